"""What monklite finds on this machine: versions, devices, disks, and what optional packages would add."""
