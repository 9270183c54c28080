package io.pannier.cli;

import io.pannier.model.Clock;
import io.pannier.s3.S3ObjectStore;
import io.pannier.s3.S3Options;
import io.pannier.server.Following;
import io.pannier.server.settings.RemoteSettings;
import io.pannier.store.RemoteRounds;
import io.pannier.store.disk.Disk;
import io.pannier.store.disk.RealDisk;
import io.pannier.store.remote.RemoteConfig;
import io.pannier.store.remote.RemoteDisk;
import io.pannier.store.remote.RemoteStates;
import io.pannier.store.remote.RemoteStatus;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Locale;
import java.util.random.RandomGenerator;

/** Disks over S3. Loaded, with Amazon's library, only where data lies there. */
final class S3Disks {
  private S3Disks() {}

  static Disk open(
      Disk local, RemoteSettings settings, Clock clock, RandomGenerator random, String holder)
      throws IOException {
    return RemoteDisk.open(
        local,
        new S3ObjectStore(options(settings)),
        config(settings, holder),
        clock,
        random,
        RemoteRounds.FOOTERS);
  }

  static DataDisk.Followed follow(Disk local, RemoteSettings settings) throws IOException {
    RemoteStates states =
        RemoteStates.open(
            new S3ObjectStore(options(settings)),
            local,
            config(settings, "a replica"),
            "s3://" + settings.bucket() + "/" + settings.prefix());
    return new DataDisk.Followed(
        states,
        status -> {
          var requests = new HashMap<String, Long>();
          for (RemoteStatus.Request kind : RemoteStatus.Request.values()) {
            requests.put(kind.name().toLowerCase(Locale.ROOT), states.count(kind));
          }
          return new Following(
              states.place(),
              status.states(),
              status.ageMicros(),
              status.lookedMicros(),
              status.failures(),
              status.lastFailure(),
              states.epoch(),
              states.generation(),
              states.cachedBytes(),
              states.receivedBytes(),
              requests);
        });
  }

  static Disk forReading(RemoteSettings settings, boolean inUse, Clock clock) throws IOException {
    Path cache = settings.cache().toAbsolutePath();
    Path empty = Files.createTempDirectory("pannier-look");
    empty.toFile().deleteOnExit();
    Path folder = !inUse && Files.isDirectory(cache) ? cache : empty;
    return RemoteDisk.forReading(
        RealDisk.forReading(folder),
        new S3ObjectStore(options(settings)),
        config(settings, "a tool that looks"),
        clock,
        RemoteRounds.FOOTERS);
  }

  private static S3Options options(RemoteSettings settings) {
    return new S3Options(
        settings.bucket(),
        settings.region(),
        settings.endpoint(),
        settings
            .keys()
            .map(keys -> new S3Options.Keys(keys.access(), keys.secret(), keys.session())),
        settings.storageClass());
  }

  private static RemoteConfig config(RemoteSettings settings, String holder) {
    return RemoteConfig.of(
        settings.prefix(),
        settings.cacheBytes(),
        settings.tailBytes(),
        settings.intervalMillis(),
        holder);
  }
}
