#!/bin/sh
# The ROS 2 camera node of the article "How to Store Images in ROS 2", as its author wrote it.
set -eu
. checks/python/prepare.sh
exec "$PYTHON" checks/python/camera_node/run.py
