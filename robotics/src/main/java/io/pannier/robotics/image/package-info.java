/**
 * Pictures of {@code sensor_msgs/Image} as JPEG and PNG files, without {@code java.desktop}: a
 * runtime that is linked for a program does not need it for this alone, and nothing of AWT is
 * started. Start at {@link io.pannier.robotics.image.Picture}.
 */
@NullMarked
package io.pannier.robotics.image;

import org.jspecify.annotations.NullMarked;
