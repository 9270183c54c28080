package io.pannier.robotics.msg;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * The definitions of the common ROS 2 interface packages, for files that carry none or leave some
 * out. The list and its licences stand in {@code definitions/README.md} among the resources.
 */
public final class CommonDefinitions {
  private static final Map<String, Map<String, MessageType>> PACKAGES = new ConcurrentHashMap<>();

  private CommonDefinitions() {}

  /** Whether a type is among them. */
  static boolean has(String name) {
    return find(name) != null;
  }

  /** A type with its names as they are used in it; null when it is not among them. */
  static @Nullable MessageType find(String name) {
    int slash = name.indexOf('/');
    String packageName = slash < 0 ? "" : name.substring(0, slash);
    if (!packageName.matches("[a-z0-9_]+")) {
      return null;
    }
    return PACKAGES.computeIfAbsent(packageName, CommonDefinitions::read).get(name);
  }

  private static Map<String, MessageType> read(String packageName) {
    String resource = "definitions/" + packageName + ".msgs";
    try (InputStream file = CommonDefinitions.class.getResourceAsStream(resource)) {
      return file == null
          ? Map.of()
          : new MsgParser("", new String(file.readAllBytes(), StandardCharsets.UTF_8), false)
              .parse();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (DefinitionException e) {
      throw new IllegalStateException("a definition of ours is broken: " + resource, e);
    }
  }

  /**
   * Whether a type is among them.
   *
   * @param name package and type, with or without {@code msg} in the middle
   */
  public static boolean contains(String name) {
    return has(MessageType.shortName(name));
  }

  /**
   * The definition of a common type with all that it is made of.
   *
   * @param name package and type, with or without {@code msg} in the middle
   * @throws DefinitionException when it is not among them
   */
  public static MessageDefinition definition(String name) throws DefinitionException {
    return MessageDefinition.common(MessageType.shortName(name));
  }
}
