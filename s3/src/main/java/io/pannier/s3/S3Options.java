package io.pannier.s3;

import java.net.URI;
import java.util.Optional;

/**
 * Which bucket, and how it is reached.
 *
 * @param bucket its name; it exists
 * @param region where it is; empty: as the environment of the process says, or {@code us-east-1}
 *     behind an endpoint of one's own
 * @param endpoint of what is not Amazon; empty: Amazon's
 * @param keys credentials; empty: those that Amazon's libraries find by default
 * @param storageClass of segments; empty: that of the bucket
 */
public record S3Options(
    String bucket,
    Optional<String> region,
    Optional<URI> endpoint,
    Optional<Keys> keys,
    Optional<String> storageClass) {

  /** Credentials. */
  public record Keys(String access, String secret, Optional<String> session) {
    @Override
    public String toString() {
      return "Keys[" + access + "]";
    }
  }
}
