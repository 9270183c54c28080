package io.pannier.store.remote;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicLong;

/**
 * The objects of one store in the object store: their names, and reads that are tried again. Counts
 * requests by kind.
 */
final class ObjectClient {
  private static final int TRIES = 3;

  private final ObjectStore store;
  private final String prefix;
  private final AtomicLong sent = new AtomicLong();
  private final AtomicLong received = new AtomicLong();
  private final Map<RemoteStatus.Request, AtomicLong> counts =
      new EnumMap<>(RemoteStatus.Request.class);

  ObjectClient(ObjectStore store, String prefix) {
    this.store = store;
    this.prefix = prefix;
    for (RemoteStatus.Request kind : RemoteStatus.Request.values()) {
      counts.put(kind, new AtomicLong());
    }
  }

  /** Requests of a kind so far. */
  long count(RemoteStatus.Request kind) {
    return of(kind).get();
  }

  /** Bytes of objects that were put, tries that failed among them. */
  long sentBytes() {
    return sent.get();
  }

  /** Bytes of objects that were read. */
  long receivedBytes() {
    return received.get();
  }

  private AtomicLong of(RemoteStatus.Request kind) {
    return Objects.requireNonNull(counts.get(kind));
  }

  private void counted(RemoteStatus.Request kind) {
    of(kind).incrementAndGet();
  }

  String key(String name) {
    return prefix + name;
  }

  static String segmentName(long epoch, long number) {
    return String.format(Locale.ROOT, "s/%016x-%016x", epoch, number);
  }

  /** What a request does. */
  private interface Call<T> {
    T run() throws IOException;
  }

  private <T> T again(Call<T> call) throws IOException {
    for (int left = TRIES - 1; ; left--) {
      try {
        return call.run();
      } catch (ObjectStoreException failed) {
        boolean useless =
            switch (failed.kind()) {
              case THROTTLED, UNAVAILABLE, DAMAGED -> false;
              case DENIED, NO_BUCKET, NOT_FOUND, CONDITION_FAILED, REFUSED -> true;
            };
        if (useless || left == 0) {
          throw failed;
        }
      }
    }
  }

  java.util.Optional<ObjectStore.Found> get(String name) throws IOException {
    return again(() -> {
      counted(RemoteStatus.Request.GET);
      var found = store.get(key(name));
      found.ifPresent(object -> received.addAndGet(object.content().remaining()));
      return found;
    });
  }

  void put(String name, ObjectStore.Content content) throws IOException {
    counted(RemoteStatus.Request.PUT);
    sent.addAndGet(content.length());
    store.put(key(name), content);
  }

  String putIfAbsent(String name, ByteBuffer content) throws IOException {
    counted(RemoteStatus.Request.PUT);
    sent.addAndGet(content.remaining());
    return store.putIfAbsent(key(name), content);
  }

  String putIfMatch(String name, ByteBuffer content, String version) throws IOException {
    counted(RemoteStatus.Request.PUT);
    sent.addAndGet(content.remaining());
    return store.putIfMatch(key(name), content, version);
  }

  void delete(String name) throws IOException {
    counted(RemoteStatus.Request.DELETE);
    store.delete(key(name));
  }

  /** Names behind {@code after}, both without the prefix of the store. */
  java.util.List<String> list(String namePrefix, String after) throws IOException {
    counted(RemoteStatus.Request.LIST);
    return store.list(key(namePrefix), after.isEmpty() ? "" : key(after)).stream()
        .map(key -> key.substring(prefix.length()))
        .toList();
  }

  /** Bytes of a segment, as they come. */
  ByteBuffer read(long epoch, long number, long at, int length) throws IOException {
    return again(() -> {
      var bytes = ByteBuffer.allocate(length);
      counted(RemoteStatus.Request.GET);
      store.read(key(segmentName(epoch, number)), at, bytes);
      received.addAndGet(length);
      return bytes.flip();
    });
  }

  /** A whole extent, checked. */
  ByteBuffer read(long epoch, Extent extent) throws IOException {
    return again(() -> {
      var bytes = ByteBuffer.allocate(Math.toIntExact(extent.length()));
      counted(RemoteStatus.Request.GET);
      store.read(key(segmentName(epoch, extent.segment())), extent.at(), bytes);
      received.addAndGet(extent.length());
      return checked(extent, bytes.flip());
    });
  }

  /** The same bytes if they are those that were put. */
  static ByteBuffer checked(Extent extent, ByteBuffer bytes) throws ObjectStoreException {
    if (Codec.crc(bytes) != extent.crc()) {
      throw new ObjectStoreException(
          ObjectStoreException.Kind.DAMAGED, "bytes do not match their checksum: " + extent, null);
    }
    return bytes;
  }

  void close() {
    store.close();
  }
}
