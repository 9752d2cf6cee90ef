"""What is on the disk: runs, their files and their states."""
