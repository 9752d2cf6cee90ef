"""What people already use to watch their trainings: MLflow, TensorBoard, Weights & Biases, DVCLive."""
