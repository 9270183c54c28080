package io.pannier.bench;

import io.pannier.model.Clock;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.HexFormat;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * Signs requests to an S3 server (AWS signature, version 4) without looking at their bodies. All
 * carry the time at which the signer was made: servers take them for fifteen minutes.
 */
final class S3Signer {
  private static final DateTimeFormatter TIME =
      DateTimeFormatter.ofPattern("yyyyMMdd'T'HHmmss'Z'").withZone(ZoneOffset.UTC);
  private static final String SIGNED = "host;x-amz-content-sha256;x-amz-date";
  private static final String UNSIGNED = "UNSIGNED-PAYLOAD";
  private static final HexFormat HEX = HexFormat.of();

  private final String host;
  private final String time;
  private final String scope;
  private final String common;
  private final Mac mac;
  private final MessageDigest digest;

  /**
   * A signer of requests to one server.
   *
   * @param host with port
   * @param keys access key and secret key with a colon between them
   */
  S3Signer(String host, String keys, Clock clock) {
    this.host = host;
    int colon = keys.indexOf(':');
    if (colon < 0) {
      throw new IllegalArgumentException("keys of S3 must be ACCESS:SECRET");
    }
    String access = keys.substring(0, colon);
    long micros = clock.wallMicros();
    time = TIME.format(Instant.ofEpochSecond(micros / 1_000_000));
    String day = time.substring(0, 8);
    scope = day + "/us-east-1/s3/aws4_request";
    common =
        "authorization: AWS4-HMAC-SHA256 Credential="
            + access
            + "/"
            + scope
            + ",SignedHeaders="
            + SIGNED
            + ",Signature=";
    try {
      byte[] key = hmac(ascii("AWS4" + keys.substring(colon + 1)), day);
      for (String part : new String[] {"us-east-1", "s3", "aws4_request"}) {
        key = hmac(key, part);
      }
      mac = Mac.getInstance("HmacSHA256");
      mac.init(new SecretKeySpec(key, "HmacSHA256"));
      digest = MessageDigest.getInstance("SHA-256");
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }

  /** The header lines of a request for this path, which needs no escapes, each with its end. */
  String head(String method, String path) {
    String canonical =
        method
            + "\n"
            + path
            + "\n\nhost:"
            + host
            + "\nx-amz-content-sha256:"
            + UNSIGNED
            + "\nx-amz-date:"
            + time
            + "\n\n"
            + SIGNED
            + "\n"
            + UNSIGNED;
    String text =
        "AWS4-HMAC-SHA256\n"
            + time
            + "\n"
            + scope
            + "\n"
            + HEX.formatHex(digest.digest(ascii(canonical)));
    return "host: "
        + host
        + "\r\nx-amz-content-sha256: "
        + UNSIGNED
        + "\r\nx-amz-date: "
        + time
        + "\r\n"
        + common
        + HEX.formatHex(mac.doFinal(ascii(text)))
        + "\r\n";
  }

  private static byte[] hmac(byte[] key, String text) throws GeneralSecurityException {
    var mac = Mac.getInstance("HmacSHA256");
    mac.init(new SecretKeySpec(key, "HmacSHA256"));
    return mac.doFinal(ascii(text));
  }

  private static byte[] ascii(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }
}
