package io.pannier.robotics.msg;

import java.util.List;

/**
 * The fields of one message type. Constants are not kept: they are not part of a message.
 *
 * @param name package and type, {@code sensor_msgs/Imu}, without {@code msg}
 */
public record MessageType(String name, List<Field> fields) {
  /** A named field. */
  public record Field(String name, FieldType type) {}

  /** Copies the fields. */
  public MessageType {
    fields = List.copyOf(fields);
  }

  /**
   * A name without the part in its middle: {@code std_msgs/msg/String} is {@code std_msgs/String}.
   */
  public static String shortName(String name) {
    String slashes = name.replace("::", "/");
    int first = slashes.indexOf('/');
    int last = slashes.lastIndexOf('/');
    return first == last ? slashes : slashes.substring(0, first) + slashes.substring(last);
  }
}
