"""Stands in for ROS 2's package of sensor messages."""
