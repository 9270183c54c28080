package io.pannier.cli;

import io.pannier.model.Clock;
import io.pannier.model.SystemClock;
import io.pannier.server.Following;
import io.pannier.server.settings.RemoteSettings;
import io.pannier.server.settings.Settings;
import io.pannier.store.FolderStates;
import io.pannier.store.Replica;
import io.pannier.store.StateSource;
import io.pannier.store.disk.Disk;
import io.pannier.store.disk.RealDisk;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/** The disk of a store, wherever the environment says that its data lies. */
final class DataDisk {
  private DataDisk() {}

  /** For a server. */
  static Disk open(
      Path folder, Settings settings, Clock clock, RandomGenerator random, String holder)
      throws IOException {
    var disk = new RealDisk(folder);
    disk.prepare();
    Optional<RemoteSettings> remote = settings.remote();
    return remote.isEmpty() ? disk : S3Disks.open(disk, remote.get(), clock, random, holder);
  }

  /** What a replica follows, and how it tells of it. */
  record Followed(StateSource states, Function<Replica.Status, Following> how) {
    Following told(Replica.Status status) {
      return how.apply(status);
    }
  }

  /** For a server that only reads what another one writes. */
  static Followed follow(Path folder, Settings settings) throws IOException {
    Optional<RemoteSettings> remote = settings.remote();
    if (remote.isPresent()) {
      var disk = new RealDisk(folder);
      disk.prepare();
      return S3Disks.follow(disk, remote.get());
    }
    var states = new FolderStates(folder);
    return new Followed(
        states,
        status ->
            new Following(
                states.place(),
                status.states(),
                status.ageMicros(),
                status.lookedMicros(),
                status.failures(),
                status.lastFailure(),
                0,
                0,
                0,
                0,
                Map.of()));
  }

  /** A disk for a tool that only looks, and what it is called. */
  record Looked(Disk disk, String name, Path folder) {}

  /**
   * For a tool that only looks: at a folder that is named, else at what the environment names.
   *
   * @param inUse whether a server may be using it: of a store in S3 only what is there is read then
   * @param err takes mistakes in the environment
   * @return empty when there are such mistakes
   */
  static Optional<Looked> forReading(
      @Nullable Path named, boolean inUse, Map<String, String> variables, PrintWriter err)
      throws IOException {
    boolean elsewhere =
        named == null
            && (variables.containsKey("RS_REMOTE_BACKEND_TYPE")
                || variables.containsKey("PANNIER_REMOTE_BACKEND_TYPE"));
    if (elsewhere) {
      Settings.Outcome read = Environment.read(variables, null, null, null);
      if (read.settings().isEmpty()) {
        Environment.findings(err, read.report());
        return Optional.empty();
      }
      Optional<RemoteSettings> remote = read.settings().get().remote();
      if (remote.isPresent()) {
        RemoteSettings there = remote.get();
        return Optional.of(
            new Looked(
                S3Disks.forReading(there, inUse, new SystemClock()),
                "s3://" + there.bucket() + "/" + there.prefix(),
                there.cache()));
      }
    }
    Path folder = (named != null ? named : DataFolder.of(variables)).toAbsolutePath().normalize();
    return Optional.of(new Looked(RealDisk.forReading(folder), folder.toString(), folder));
  }
}
