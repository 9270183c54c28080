package io.pannier.s3;

import java.net.URI;
import java.util.Optional;
import java.util.Properties;
import java.util.concurrent.atomic.AtomicInteger;
import org.gaul.s3proxy.BlobStores;
import org.gaul.s3proxy.S3Proxy;
import org.gaul.s3proxy.auth.AuthenticationType;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.S3Object;

/** A server in this process that speaks S3, with its objects in memory. */
public final class S3Server implements AutoCloseable {
  public static final String ACCESS = "access";
  public static final String SECRET = "secret-of-the-test";

  private final S3Proxy server;
  private final AtomicInteger buckets = new AtomicInteger();

  public S3Server() throws Exception {
    server =
        S3Proxy.builder()
            .blobStore(BlobStores.create("transient-nio2", new Properties()))
            .endpoint(URI.create("http://127.0.0.1:0"))
            .awsAuthentication(AuthenticationType.AWS_V4, ACCESS, SECRET)
            .build();
    server.start();
  }

  public URI endpoint() {
    return URI.create("http://127.0.0.1:" + server.getPort());
  }

  /** Makes an empty bucket and says how it is reached. */
  public S3Options bucket() {
    String name = "bucket-" + buckets.incrementAndGet();
    try (S3Client client = client()) {
      client.createBucket(request -> request.bucket(name));
    }
    return options(name, SECRET);
  }

  /** Takes all objects out of a bucket. */
  public void empty(S3Options of) {
    try (S3Client client = client()) {
      client.listObjectsV2Paginator(request -> request.bucket(of.bucket())).contents().stream()
          .map(S3Object::key)
          .toList()
          .forEach(key -> client.deleteObject(request -> request.bucket(of.bucket()).key(key)));
    }
  }

  private S3Client client() {
    return S3Client.builder()
        .httpClient(UrlConnectionHttpClient.create())
        .endpointOverride(endpoint())
        .forcePathStyle(true)
        .region(Region.of("us-east-1"))
        .credentialsProvider(
            StaticCredentialsProvider.create(AwsBasicCredentials.create(ACCESS, SECRET)))
        .build();
  }

  /** How a bucket is reached, with this secret. */
  public S3Options options(String name, String secret) {
    return new S3Options(
        name,
        Optional.empty(),
        Optional.of(endpoint()),
        Optional.of(new S3Options.Keys(ACCESS, secret, Optional.empty())),
        Optional.empty());
  }

  @Override
  public void close() {
    try {
      server.stop();
    } catch (Exception failed) {
      throw new IllegalStateException("the S3 server does not stop", failed);
    }
  }
}
