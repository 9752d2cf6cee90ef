"""Statistics of predictions: confusion matrix, confidence intervals and significance tests."""
