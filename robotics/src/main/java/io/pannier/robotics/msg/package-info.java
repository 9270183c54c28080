/**
 * ROS message definitions ({@code ros1msg}, {@code ros2msg}, {@code ros2idl}) and the two ways
 * their messages are laid out: CDR (ROS 2, DDS-XTypes 1.3 §7.4) and ROS 1.
 *
 * <p>Start at {@link io.pannier.robotics.msg.MessageDefinition} and {@link
 * io.pannier.robotics.msg.MessageCodec}. A decoded message is a map from field to value, in the
 * order of the definition: {@code Boolean}; {@code Integer} for whole numbers of up to 32 bits, but
 * {@code Long} for unsigned ones of 32 and for those of 64 bits, and {@code BigInteger} for
 * unsigned ones from 2⁶³; {@code Float}, {@code Double}; {@code String}; nested maps; {@code
 * byte[]} for arrays of bytes, {@code List} for all others.
 */
@NullMarked
package io.pannier.robotics.msg;

import org.jspecify.annotations.NullMarked;
