package io.pannier.s3;

import io.pannier.store.remote.ObjectStore;
import io.pannier.store.remote.ObjectStoreException;
import io.pannier.store.remote.ObjectStoreException.Kind;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.AwsCredentials;
import software.amazon.awssdk.auth.credentials.AwsSessionCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.awscore.exception.AwsErrorDetails;
import software.amazon.awssdk.core.ResponseInputStream;
import software.amazon.awssdk.core.checksums.RequestChecksumCalculation;
import software.amazon.awssdk.core.checksums.ResponseChecksumValidation;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.core.exception.SdkServiceException;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.S3ClientBuilder;
import software.amazon.awssdk.services.s3.model.GetObjectRequest;
import software.amazon.awssdk.services.s3.model.GetObjectResponse;
import software.amazon.awssdk.services.s3.model.NoSuchKeyException;
import software.amazon.awssdk.services.s3.model.PutObjectRequest;
import software.amazon.awssdk.services.s3.model.S3Object;

/**
 * A bucket in S3. Amazon's library signs, tries again (three times, with pauses) and finds
 * credentials; the connection is the JDK's.
 */
public final class S3ObjectStore implements ObjectStore {
  private static final String CONTENT_TYPE = "application/octet-stream";
  private static final Duration CONNECT = Duration.ofSeconds(5);

  /** Without a byte for so long, a connection is dead. */
  private static final Duration SILENCE = Duration.ofSeconds(30);

  /** One try of one request, a segment of 64 MB over a slow link included. */
  private static final Duration ATTEMPT = Duration.ofMinutes(5);

  /**
   * Tries of one request. The JDK keeps up to five connections that are idle, and of those that the
   * server has closed meanwhile it learns only when a request fails.
   */
  private static final int TRIES = 6;

  private static final String REGION_OF_NOBODY = "us-east-1";

  private final S3Client client;
  private final String bucket;
  private final Optional<String> storageClass;

  /** Makes a client; asks nothing yet. */
  public S3ObjectStore(S3Options options) throws ObjectStoreException {
    bucket = options.bucket();
    storageClass = options.storageClass();
    S3ClientBuilder builder =
        S3Client.builder()
            .httpClientBuilder(
                UrlConnectionHttpClient.builder().connectionTimeout(CONNECT).socketTimeout(SILENCE))
            .overrideConfiguration(settings ->
                settings
                    .apiCallAttemptTimeout(ATTEMPT)
                    .retryStrategy(retries -> retries.maxAttempts(TRIES)))
            .requestChecksumCalculation(RequestChecksumCalculation.WHEN_REQUIRED)
            .responseChecksumValidation(ResponseChecksumValidation.WHEN_REQUIRED);
    options
        .endpoint()
        .ifPresent(endpoint -> {
          builder.endpointOverride(endpoint);
          builder.forcePathStyle(true);
          builder.region(Region.of(REGION_OF_NOBODY));
        });
    options.region().ifPresent(region -> builder.region(Region.of(region)));
    options
        .keys()
        .ifPresent(keys ->
            builder.credentialsProvider(StaticCredentialsProvider.create(credentials(keys))));
    try {
      client = builder.build();
    } catch (SdkException unusable) {
      throw new ObjectStoreException(
          Kind.REFUSED, "S3 cannot be used: " + unusable.getMessage(), unusable);
    }
  }

  private static AwsCredentials credentials(S3Options.Keys keys) {
    return keys.session().isPresent()
        ? AwsSessionCredentials.create(keys.access(), keys.secret(), keys.session().get())
        : AwsBasicCredentials.create(keys.access(), keys.secret());
  }

  /** One request. */
  private interface Call<T> {
    T run() throws IOException;
  }

  private <T> T call(String key, Call<T> call) throws IOException {
    try {
      return call.run();
    } catch (SdkServiceException refused) {
      throw new ObjectStoreException(kind(refused), text(key, refused), refused);
    } catch (SdkException | java.io.UncheckedIOException failed) {
      throw new ObjectStoreException(clientKind(failed), text(key, failed), failed);
    } catch (ObjectStoreException known) {
      throw known;
    } catch (IOException failed) {
      throw new ObjectStoreException(Kind.UNAVAILABLE, text(key, failed), failed);
    }
  }

  private String text(String key, Exception failed) {
    return "S3 bucket " + bucket + ", " + key + ": " + failed.getMessage();
  }

  private static Kind clientKind(RuntimeException failed) {
    String text = String.valueOf(failed.getMessage()).toLowerCase(Locale.ROOT);
    return text.contains("credentials") ? Kind.DENIED : Kind.UNAVAILABLE;
  }

  private static String code(SdkServiceException refused) {
    AwsErrorDetails details =
        refused instanceof software.amazon.awssdk.awscore.exception.AwsServiceException service
            ? service.awsErrorDetails()
            : null;
    String code = details == null ? null : details.errorCode();
    return code == null ? "" : code;
  }

  private static Kind kind(SdkServiceException refused) {
    return switch (code(refused)) {
      case "NoSuchBucket" -> Kind.NO_BUCKET;
      case "NoSuchKey", "NotFound" -> Kind.NOT_FOUND;
      case "PreconditionFailed", "ConditionalRequestConflict" -> Kind.CONDITION_FAILED;
      case "ExpiredToken", "InvalidAccessKeyId", "SignatureDoesNotMatch", "AccessDenied" ->
          Kind.DENIED;
      case "BadDigest", "XAmzContentSHA256Mismatch", "IncompleteBody" -> Kind.DAMAGED;
      case "SlowDown", "Throttling", "ThrottlingException", "RequestLimitExceeded" ->
          Kind.THROTTLED;
      case "RequestTimeout" -> Kind.UNAVAILABLE;
      default ->
          switch (refused.statusCode()) {
            case 401, 403 -> Kind.DENIED;
            case 404 -> Kind.NOT_FOUND;
            case 409, 412 -> Kind.CONDITION_FAILED;
            case 408 -> Kind.UNAVAILABLE;
            case 429 -> Kind.THROTTLED;
            case 501 -> Kind.REFUSED;
            default -> refused.statusCode() >= 500 ? Kind.UNAVAILABLE : Kind.REFUSED;
          };
    };
  }

  @Override
  public void put(String key, Content content) throws IOException {
    var request = PutObjectRequest.builder().bucket(bucket).key(key).contentType(CONTENT_TYPE);
    storageClass.ifPresent(request::storageClass);
    request.checksumCRC32C(
        Base64.getEncoder().encodeToString(ByteBuffer.allocate(4).putInt(content.crc()).array()));
    call(
        key,
        () ->
            client.putObject(
                request.build(),
                RequestBody.fromContentProvider(
                    () -> opened(content), content.length(), CONTENT_TYPE)));
  }

  private static InputStream opened(Content content) {
    try {
      return content.open();
    } catch (IOException failed) {
      throw new java.io.UncheckedIOException(failed);
    }
  }

  @Override
  public String putIfAbsent(String key, ByteBuffer content) throws IOException {
    return putSmall(PutObjectRequest.builder().ifNoneMatch("*"), key, content);
  }

  @Override
  public String putIfMatch(String key, ByteBuffer content, String version) throws IOException {
    try {
      return putSmall(PutObjectRequest.builder().ifMatch(version), key, content);
    } catch (ObjectStoreException failed) {
      if (failed.kind() == Kind.NOT_FOUND) {
        // What Amazon answers when there is no object to match.
        throw new ObjectStoreException(
            Kind.CONDITION_FAILED, String.valueOf(failed.getMessage()), failed);
      }
      throw failed;
    }
  }

  private String putSmall(PutObjectRequest.Builder request, String key, ByteBuffer content)
      throws IOException {
    var put = request.bucket(bucket).key(key).contentType(CONTENT_TYPE).build();
    return call(
        key, () -> client.putObject(put, RequestBody.fromByteBuffer(content.duplicate())).eTag());
  }

  @Override
  public Optional<Found> get(String key) throws IOException {
    var request = GetObjectRequest.builder().bucket(bucket).key(key).build();
    return call(
        key,
        () -> {
          try {
            var found = client.getObjectAsBytes(request);
            return Optional.of(new Found(found.asByteBuffer(), found.response().eTag()));
          } catch (NoSuchKeyException missing) {
            return Optional.<Found>empty();
          }
        });
  }

  @Override
  public void read(String key, long position, ByteBuffer target) throws IOException {
    if (!target.hasRemaining()) {
      return;
    }
    long last = position + target.remaining() - 1;
    var request =
        GetObjectRequest.builder()
            .bucket(bucket)
            .key(key)
            .range("bytes=" + position + "-" + last)
            .build();
    call(
        key,
        () -> {
          try (ResponseInputStream<GetObjectResponse> in = client.getObject(request)) {
            if (in.response().contentRange() == null) {
              in.abort();
              throw new ObjectStoreException(
                  Kind.REFUSED, "the object store does not honour ranges: " + key, null);
            }
            fill(in, key, target);
          }
          return key;
        });
  }

  private static void fill(InputStream in, String key, ByteBuffer target) throws IOException {
    int start = target.position();
    var piece = new byte[Math.min(64 << 10, target.remaining())];
    while (target.hasRemaining()) {
      int count = in.read(piece, 0, Math.min(piece.length, target.remaining()));
      if (count < 0) {
        target.position(start);
        throw new ObjectStoreException(Kind.DAMAGED, key + " ended before its end", null);
      }
      target.put(piece, 0, count);
    }
  }

  @Override
  public List<String> list(String prefix, String after) throws IOException {
    return call(
        prefix,
        () ->
            client
                .listObjectsV2(request -> {
                  request.bucket(bucket).prefix(prefix).maxKeys(LIST_MAX);
                  if (!after.isEmpty()) {
                    request.startAfter(after);
                  }
                })
                .contents()
                .stream()
                .map(S3Object::key)
                .toList());
  }

  @Override
  public void delete(String key) throws IOException {
    call(key, () -> client.deleteObject(request -> request.bucket(bucket).key(key)));
  }

  @Override
  public void close() {
    client.close();
  }
}
