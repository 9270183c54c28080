package io.pannier.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class MetricsPageTest {
  @Test
  void thePageInTheTreeIsTheOneThatTheListMakes() throws IOException {
    Path folder = Path.of("").toAbsolutePath();
    while (!Files.exists(folder.resolve("model/pom.xml"))) {
      folder = folder.getParent();
    }
    assertThat(folder.resolve("docs/metrics.md"))
        .as("stale; write it anew: ./pannier metrics --markdown > docs/metrics.md")
        .hasContent(MetricsPage.markdown());
    assertThat(Files.readString(folder.resolve("README.md"))).contains("docs/metrics.md");
  }
}
