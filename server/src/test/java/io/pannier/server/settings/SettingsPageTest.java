package io.pannier.server.settings;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class SettingsPageTest {
  @Test
  void thePageInTheTreeIsTheOneThatTheTableMakes() throws IOException {
    Path folder = Path.of("").toAbsolutePath();
    while (!Files.exists(folder.resolve("model/pom.xml"))) {
      folder = folder.getParent();
    }
    assertThat(folder.resolve("docs/settings.md"))
        .as("stale; write it anew: ./pannier settings --markdown > docs/settings.md")
        .hasContent(SettingsPage.markdown());
    assertThat(Files.readString(folder.resolve("README.md"))).contains("docs/settings.md");
  }
}
