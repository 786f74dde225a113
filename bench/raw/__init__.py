"""What a careful engineer writes by hand on the driver: the ceiling everything else is measured against."""
