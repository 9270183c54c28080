/**
 * The extension {@code ros}: messages of ROS 1, ROS 2 and Protobuf as JSON and pictures, out of
 * MCAP recordings or of records that are one message each; recordings cut and made. Formats are
 * read by {@code io.pannier.robotics}; here is what queries make of them.
 *
 * <p>Start at {@link io.pannier.extract.ros.RosStep}: one class for each operation and kind of
 * input is called from there. {@link io.pannier.extract.ros.MessageJson} is what becomes of a
 * message.
 */
@NullMarked
package io.pannier.extract.ros;

import org.jspecify.annotations.NullMarked;
