package io.pannier.cli.demo;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Servers in processes of their own, started as this one was. */
final class ServerProcess {
  private static final int POLL_MILLIS = 20;
  private static final int START_SECONDS_MAX = 120;
  private static final int STOP_SECONDS_MAX = 20;
  private static final Pattern ADDRESS = Pattern.compile("address {2}https?://.*:(\\d+)\\s");
  private static final String MAIN = "io.pannier.cli.Main";

  private ServerProcess() {}

  /** One that is on its way: it can be stopped before it answers. */
  static Process spawn(Path data, Path log, Map<String, String> settings) throws IOException {
    var builder = new ProcessBuilder(command(data));
    // Whatever this machine's own server is told is not meant for this one.
    builder
        .environment()
        .keySet()
        .removeIf(name -> name.startsWith("RS_") || name.startsWith("PANNIER_"));
    builder.environment().putAll(settings);
    builder.redirectErrorStream(true).redirectOutput(log.toFile());
    Process process = builder.start();
    process.getOutputStream().close();
    return process;
  }

  /** Waits until it is ready, and answers its port. */
  static int readyPort(Process process, Path log) throws IOException, InterruptedException {
    for (int waited = 0; waited < START_SECONDS_MAX * 1000; waited += POLL_MILLIS) {
      String told = Files.readString(log, StandardCharsets.UTF_8);
      Matcher address = ADDRESS.matcher(told);
      if (address.find()) {
        return Integer.parseInt(address.group(1));
      }
      if (process.waitFor(POLL_MILLIS, TimeUnit.MILLISECONDS)) {
        throw new IOException("a server ended at its start:\n" + told);
      }
    }
    throw new IOException("a server is not ready after " + START_SECONDS_MAX + " s; see " + log);
  }

  private static List<String> command(Path data) {
    var command = new ArrayList<String>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(ManagementFactory.getRuntimeMXBean().getInputArguments());
    String classes = System.getProperty("java.class.path", "");
    if (classes.isEmpty()) {
      command.add("-m");
      command.add(ServerProcess.class.getModule().getName() + "/" + MAIN);
    } else {
      command.addAll(List.of("-cp", classes, MAIN));
    }
    command.addAll(
        List.of("serve", "--data", data.toString(), "--host", "127.0.0.1", "--port", "0"));
    return command;
  }

  /** Stops in order; by force if that takes too long. */
  static void stop(Process process) {
    process.destroy();
    try {
      if (!process.waitFor(STOP_SECONDS_MAX, TimeUnit.SECONDS)) {
        process.destroyForcibly().waitFor();
      }
    } catch (InterruptedException interrupted) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
    }
  }
}
