"""The programs of `predict.pyz`: predict from a bundle, or serve it, where neither monklite nor a framework is installed."""
