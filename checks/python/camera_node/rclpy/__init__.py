"""Stands in for ROS 2's client library: just enough for the node of the article."""
