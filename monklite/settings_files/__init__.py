"""Settings of a run in a YAML file: read, checked and written."""
