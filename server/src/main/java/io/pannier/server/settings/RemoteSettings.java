package io.pannier.server.settings;

import io.pannier.model.Ack;
import java.net.URI;
import java.nio.file.Path;
import java.util.Optional;

/**
 * The object store that data lies in ({@code docs/s3.md}).
 *
 * @param bucket its name
 * @param endpoint where S3 is spoken; empty: Amazon's
 * @param region of the bucket; empty: as the environment says
 * @param keys credentials; empty: as the environment says
 * @param storageClass of what is uploaded; empty: that of the bucket
 * @param prefix what keys begin with; ends with a slash
 * @param cache the local folder
 * @param cacheBytes how much of what is uploaded stays there
 * @param tailBytes how much may wait to be uploaded
 * @param intervalMillis between uploads
 */
public record RemoteSettings(
    String bucket,
    Optional<URI> endpoint,
    Optional<String> region,
    Optional<Keys> keys,
    Optional<String> storageClass,
    String prefix,
    Path cache,
    long cacheBytes,
    long tailBytes,
    long intervalMillis) {
  private static final long MILLIS_MAX = 86_400_000;

  /** Credentials. */
  public record Keys(String access, String secret, Optional<String> session) {
    @Override
    public String toString() {
      return "Keys[" + access + "]";
    }
  }

  /** Reads them; empty for a store in the file system, or when there are mistakes. */
  static Optional<RemoteSettings> read(Reading reading, Ack ack) {
    Table.Backend backend = reading.value(Table.REMOTE_BACKEND_TYPE);
    Optional<String> bucket = reading.find(Table.REMOTE_BUCKET);
    Optional<URI> endpoint = reading.find(Table.REMOTE_ENDPOINT);
    Optional<String> region = reading.find(Table.REMOTE_REGION);
    Optional<Path> cache = reading.find(Table.REMOTE_CACHE_PATH);
    long cacheBytes = reading.value(Table.REMOTE_CACHE_SIZE);
    long tailBytes = reading.value(Table.REMOTE_TAIL_SIZE);
    long millis = Math.round(reading.value(Table.REMOTE_SYNC_INTERVAL) * 1_000);
    Optional<String> storageClass = reading.find(Table.REMOTE_DEFAULT_STORAGE_CLASS);
    String prefix = reading.value(Table.REMOTE_PREFIX);
    switch (backend) {
      case FILESYSTEM -> {
        if (bucket.isPresent()) {
          reading.warn(
              reading.nameOf(Table.REMOTE_BUCKET)
                  + ": has no effect, since "
                  + reading.nameOf(Table.REMOTE_BACKEND_TYPE)
                  + " is not s3");
        }
        if (ack == Ack.REMOTE) {
          reading.mistake(Table.ACK, "there is no object store: the backend is not s3");
        }
        return Optional.empty();
      }
      case AZURE -> {
        reading.mistake(
            Table.REMOTE_BACKEND_TYPE, "this backend is not served, only filesystem and s3 are");
        return Optional.empty();
      }
      case S3 -> {}
    }
    Optional<Keys> keys = keys(reading);
    if (bucket.isEmpty()) {
      reading.mistake(reading.nameOf(Table.REMOTE_BUCKET) + ": is required and not set");
    }
    if (cache.isEmpty()) {
      reading.mistake(reading.nameOf(Table.REMOTE_CACHE_PATH) + ": is required and not set");
    }
    if (millis < 1 || millis > MILLIS_MAX) {
      reading.mistake(Table.REMOTE_SYNC_INTERVAL, "expected 0.001 to 86400 seconds");
    }
    if (tailBytes < 1) {
      reading.mistake(Table.REMOTE_TAIL_SIZE, "expected more than 0 bytes");
    }
    if (reading.isSet(Table.DATA_PATH)) {
      reading.warn(
          reading.nameOf(Table.DATA_PATH)
              + ": has no effect, "
              + reading.nameOf(Table.REMOTE_CACHE_PATH)
              + " takes its place");
    }
    return bucket.isPresent() && cache.isPresent()
        ? Optional.of(
            new RemoteSettings(
                bucket.get(),
                endpoint,
                region,
                keys,
                storageClass,
                prefix.endsWith("/") ? prefix : prefix + "/",
                cache.get(),
                cacheBytes,
                tailBytes,
                millis))
        : Optional.empty();
  }

  /** Both keys or none. */
  private static Optional<Keys> keys(Reading reading) {
    Optional<String> access = filled(reading, Table.REMOTE_ACCESS_KEY);
    Optional<String> secret = filled(reading, Table.REMOTE_SECRET_KEY);
    Optional<String> session = filled(reading, Table.REMOTE_SESSION_TOKEN);
    if (access.isPresent() && secret.isEmpty()) {
      reading.mistake(
          Table.REMOTE_ACCESS_KEY,
          "its secret is missing: " + reading.nameOf(Table.REMOTE_SECRET_KEY));
    } else if (secret.isPresent() && access.isEmpty()) {
      reading.mistake(
          reading.nameOf(Table.REMOTE_SECRET_KEY)
              + ": its key is missing: "
              + reading.nameOf(Table.REMOTE_ACCESS_KEY));
    } else if (session.isPresent() && access.isEmpty()) {
      reading.mistake(
          reading.nameOf(Table.REMOTE_SESSION_TOKEN)
              + ": its keys are missing: "
              + reading.nameOf(Table.REMOTE_ACCESS_KEY));
    }
    return access.isPresent() && secret.isPresent()
        ? Optional.of(new Keys(access.get(), secret.get(), session))
        : Optional.empty();
  }

  private static Optional<String> filled(Reading reading, Setting<String> setting) {
    return reading.find(setting).map(String::strip).filter(text -> !text.isEmpty());
  }
}
