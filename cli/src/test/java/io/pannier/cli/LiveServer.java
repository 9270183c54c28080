package io.pannier.cli;

import io.pannier.server.ServerConfig;
import io.pannier.server.access.Authentication;
import io.pannier.server.settings.Settings;
import java.io.IOException;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;

/** A real server with the token {@code secret}: ours in this process, or another program. */
final class LiveServer implements AutoCloseable {
  static final String TOKEN = "secret";

  private final int port;
  private final java.io.Closeable server;

  private LiveServer(int port, java.io.Closeable server) {
    this.port = port;
    this.server = server;
  }

  /** Ours. */
  static LiveServer ours(Path folder) {
    Service service =
        Service.start(
            folder,
            Settings.read(Map.of(), Map.of(), "test").settings().orElseThrow(),
            ServerConfig.of(Optional.empty())
                .withAuthentication(new Authentication.Provisioned(TOKEN)));
    return new LiveServer(service.port(), service::close);
  }

  /** Ours, with variables of the environment. */
  static LiveServer ours(Path folder, Map<String, String> environment) {
    Settings settings =
        Settings.read(
                environment, Map.of("HOST", "127.0.0.1", "PORT", "0", "API_TOKEN", TOKEN), "test")
            .settings()
            .orElseThrow();
    var authentication = settings.authentication().orElseThrow();
    Service service =
        Service.start(folder, settings, settings.serverConfig(authentication, Main.VERSION));
    return new LiveServer(service.port(), service::close);
  }

  /** The program that a variable of the environment names; empty without it. */
  static Optional<LiveServer> reference(Path folder, String variable) throws IOException {
    String program = System.getenv(variable);
    if (program == null || program.isEmpty()) {
      return Optional.empty();
    }
    int port;
    try (var free = new ServerSocket(0)) {
      port = free.getLocalPort();
    }
    var builder = new ProcessBuilder(program);
    builder.environment().put("RS_DATA_PATH", folder.toString());
    builder.environment().put("RS_PORT", "" + port);
    builder.environment().put("RS_API_TOKEN", TOKEN);
    builder.environment().put("RS_LOG_LEVEL", "ERROR");
    builder.redirectErrorStream(true).redirectOutput(ProcessBuilder.Redirect.DISCARD);
    Process process = builder.start();
    while (process.isAlive()) {
      try {
        new Socket("127.0.0.1", port).close();
        break;
      } catch (IOException notYet) {
        Thread.onSpinWait();
      }
    }
    return Optional.of(
        new LiveServer(
            port,
            () -> {
              process.destroy();
              process.onExit().join();
            }));
  }

  int port() {
    return port;
  }

  String url() {
    return "http://127.0.0.1:" + port;
  }

  @Override
  public void close() throws IOException {
    server.close();
  }
}
