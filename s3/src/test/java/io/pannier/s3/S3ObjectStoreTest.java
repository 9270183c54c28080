package io.pannier.s3;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.pannier.store.remote.ObjectStore;
import io.pannier.store.remote.ObjectStoreContract;
import io.pannier.store.remote.ObjectStoreException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The contract through HTTP, and what only a server can answer. */
class S3ObjectStoreTest extends ObjectStoreContract {
  private static S3Server server;
  private final List<S3ObjectStore> opened = new ArrayList<>();

  @BeforeAll
  static void start() throws Exception {
    server = new S3Server();
  }

  @AfterAll
  static void stop() {
    server.close();
  }

  @AfterEach
  void closeAll() {
    opened.forEach(S3ObjectStore::close);
  }

  private S3ObjectStore open(S3Options options) throws IOException {
    var store = new S3ObjectStore(options);
    opened.add(store);
    return store;
  }

  @Override
  protected ObjectStore store() throws IOException {
    return open(server.bucket());
  }

  @Test
  void aMissingBucketIsToldApart() throws IOException {
    S3ObjectStore store = open(server.options("no-such-bucket", S3Server.SECRET));
    assertThat(kind(() -> store.putIfAbsent("x", ByteBuffer.allocate(1))))
        .isEqualTo(ObjectStoreException.Kind.NO_BUCKET);
  }

  @Test
  void wrongKeysAreToldApart() throws IOException {
    S3Options good = server.bucket();
    S3ObjectStore store = open(server.options(good.bucket(), "wrong"));
    assertThat(kind(() -> store.get("x"))).isEqualTo(ObjectStoreException.Kind.DENIED);
  }

  private static ObjectStoreException.Kind kind(
      org.assertj.core.api.ThrowableAssert.ThrowingCallable call) {
    return catchThrowableOfType(ObjectStoreException.class, call).kind();
  }
}
