package io.pannier.cli;

import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;

/** Where data goes when nobody says. */
final class DataFolder {
  private DataFolder() {}

  /**
   * The folder of {@code RS_DATA_PATH} or {@code PANNIER_DATA_PATH}, else one below the user's data
   * folder, which needs no rights of the administrator.
   */
  static Path of(Map<String, String> environment) {
    String set =
        environment.getOrDefault("PANNIER_DATA_PATH", environment.getOrDefault("RS_DATA_PATH", ""));
    if (!set.isEmpty()) {
      return Path.of(set);
    }
    String home = System.getProperty("user.home", ".");
    if (System.getProperty("os.name", "").toLowerCase(Locale.ROOT).contains("mac")) {
      return Path.of(home, "Library", "Application Support", "Pannier");
    }
    String xdg = environment.getOrDefault("XDG_DATA_HOME", "");
    return (xdg.isEmpty() ? Path.of(home, ".local", "share") : Path.of(xdg)).resolve("pannier");
  }
}
