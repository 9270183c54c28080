package io.pannier.cli;

import io.pannier.model.Clock;
import io.pannier.model.Limits;
import io.pannier.model.SystemClock;
import io.pannier.model.SystemRandom;
import io.pannier.server.PlatformScheduler;
import io.pannier.server.Server;
import io.pannier.server.ServerConfig;
import io.pannier.server.settings.Settings;
import io.pannier.store.Replica;
import io.pannier.store.Store;
import io.pannier.store.StoreConfig;
import io.pannier.store.StoreEvents;
import io.pannier.store.disk.Disk;
import java.io.File;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.function.Function;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A server on an embedded local store, from its start to its stop. */
final class Service implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger("pannier");

  private final PlatformScheduler scheduler;
  private final Server server;
  private final AutoCloseable data;
  private final Optional<LogCapture> capture;
  private boolean closed;

  private Service(
      PlatformScheduler scheduler,
      Server server,
      AutoCloseable data,
      Optional<LogCapture> capture) {
    this.scheduler = scheduler;
    this.server = server;
    this.data = data;
    this.capture = capture;
  }

  /**
   * Starts: the port answers at once (only {@code /alive} with 200), everything else when the store
   * is open.
   *
   * @param settings what the store is told
   * @param config what the server is told
   * @throws io.pannier.store.StoreRefused when the folder is in use, foreign, too new or too old
   */
  static Service start(Path folder, Settings settings, ServerConfig config) {
    var scheduler = new PlatformScheduler(2);
    long handles = handleLimit();
    Server server =
        Server.start(
            config.withConnections(
                Math.min(config.threads().connections(), Limits.connectionsForHandles(handles))));
    try {
      Clock clock = new SystemClock();
      RandomGenerator random = SystemRandom.secure();
      Function<Disk, StoreConfig> told =
          disk ->
              new StoreConfig(
                  disk,
                  clock,
                  random,
                  scheduler,
                  settings.limits(handles),
                  settings.bucketDefaults(),
                  settings.ack(),
                  Service::log,
                  holder());
      if (settings.replicaInterval().isPresent()) {
        return replica(
            scheduler, server, folder, settings, settings.replicaInterval().get(), clock, told);
      }
      Store store =
          Store.open(told.apply(DataDisk.open(folder, settings, clock, random, holder())));
      boolean opened = false;
      try {
        server.open(store);
        opened = true;
      } finally {
        if (!opened) {
          store.close();
        }
      }
      Optional<LogCapture> capture =
          config.events().logLevel().map(level -> LogCapture.start(server.logSink(), level));
      return new Service(scheduler, server, store, capture);
    } catch (IOException failed) {
      server.close();
      scheduler.close();
      throw new java.io.UncheckedIOException(failed);
    } catch (RuntimeException failed) {
      server.close();
      scheduler.close();
      throw failed;
    }
  }

  private static Service replica(
      PlatformScheduler scheduler,
      Server server,
      Path folder,
      Settings settings,
      Duration interval,
      Clock clock,
      Function<Disk, StoreConfig> told)
      throws IOException {
    DataDisk.Followed source = DataDisk.follow(folder, settings);
    var replica = new Replica(source.states(), told, clock, Service::log);
    boolean started = false;
    try {
      var following =
          ReplicaService.start(
              replica, server, clock, interval.toNanos(), () -> source.told(replica.status()));
      started = true;
      return new Service(scheduler, server, following, Optional.empty());
    } catch (InterruptedException stopped) {
      Thread.currentThread().interrupt();
      throw new IOException("stopped while waiting for something to follow", stopped);
    } finally {
      if (!started) {
        replica.close();
      }
    }
  }

  int port() {
    return server.port();
  }

  /** Whether a token of this value is there and works. */
  boolean accepts(String token) {
    return server.accepts(token);
  }

  static void log(StoreEvents.Kind kind, String text, String subject, @Nullable Throwable cause) {
    switch (kind) {
      case DAMAGE, LOSS -> LOG.error("{}: {}", text, subject, cause);
      case FAILURE -> LOG.warn("{}: {}", text, subject, cause);
      case NOTE -> LOG.info("{}: {}", text, subject);
    }
  }

  /**
   * Handles that this process may open for files and connections: those of its jars, which the JVM
   * keeps open, are not among them.
   */
  static long handleLimit() {
    long jars = System.getProperty("java.class.path", "").split(File.pathSeparator, -1).length;
    return processLimit() - jars;
  }

  private static long processLimit() {
    try {
      Object limit =
          ManagementFactory.getPlatformMBeanServer()
              .getAttribute(
                  new javax.management.ObjectName("java.lang:type=OperatingSystem"),
                  "MaxFileDescriptorCount");
      return (Long) limit;
    } catch (javax.management.JMException | RuntimeException unknown) {
      return 1024;
    }
  }

  /** Names this process in the lock of the folder. */
  static String holder() {
    String host;
    try {
      host = InetAddress.getLocalHost().getHostName();
    } catch (UnknownHostException unnamed) {
      host = "unknown host";
    }
    return "host "
        + host
        + ", pid "
        + ProcessHandle.current().pid()
        + bootId().map(id -> ", boot " + id).orElse("");
  }

  private static Optional<String> bootId() {
    try {
      return Optional.of(Files.readString(Path.of("/proc/sys/kernel/random/boot_id")).trim());
    } catch (IOException notLinux) {
      return Optional.empty();
    }
  }

  /** Lets requests end, then puts everything on the device. */
  @Override
  public synchronized void close() {
    if (closed) {
      return;
    }
    closed = true;
    capture.ifPresent(LogCapture::close);
    server.close();
    scheduler.close();
    try {
      data.close();
    } catch (Exception failed) {
      LOG.warn("data could not be closed", failed);
    }
  }
}
