package io.pannier.store.remote;

import io.pannier.store.remote.ObjectStoreException.Kind;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;
import java.util.zip.CRC32C;

/** An object store in memory, which outlives those who use it. */
public final class MemoryObjectStore implements ObjectStore {
  private static final class Stored {
    private final byte[] bytes;
    private final String version;

    Stored(byte[] bytes, String version) {
      this.bytes = bytes;
      this.version = version;
    }

    byte[] bytes() {
      return bytes;
    }

    String version() {
      return version;
    }
  }

  private final TreeMap<String, Stored> objects = new TreeMap<>();
  private long versions;

  /** The same objects as they are now, in another store. */
  public synchronized MemoryObjectStore copy() {
    var copy = new MemoryObjectStore();
    copy.objects.putAll(objects);
    copy.versions = versions;
    return copy;
  }

  /** Keys of all objects. */
  public synchronized List<String> keys() {
    return List.copyOf(objects.keySet());
  }

  /** Bytes of an object. */
  public synchronized byte[] bytes(String key) {
    return objects.get(key).bytes().clone();
  }

  /** Flips a bit of an object at rest. */
  public synchronized void flip(String key, int at) {
    byte[] bytes = bytes(key);
    bytes[at] ^= 1;
    objects.put(key, new Stored(bytes, objects.get(key).version()));
  }

  @Override
  public void put(String key, Content content) throws IOException {
    byte[] bytes;
    try (InputStream in = content.open()) {
      bytes = in.readAllBytes();
    }
    var crc = new CRC32C();
    crc.update(bytes);
    if (bytes.length != content.length() || (int) crc.getValue() != content.crc()) {
      throw new ObjectStoreException(Kind.DAMAGED, "not what was announced: " + key, null);
    }
    store(key, bytes);
  }

  private synchronized String store(String key, byte[] bytes) {
    String version = "v" + ++versions;
    objects.put(key, new Stored(bytes, version));
    return version;
  }

  private static byte[] bytes(ByteBuffer content) {
    var bytes = new byte[content.remaining()];
    content.duplicate().get(bytes);
    return bytes;
  }

  @Override
  public synchronized String putIfAbsent(String key, ByteBuffer content)
      throws ObjectStoreException {
    if (objects.containsKey(key)) {
      throw new ObjectStoreException(Kind.CONDITION_FAILED, key + " is there", null);
    }
    return store(key, bytes(content));
  }

  @Override
  public synchronized String putIfMatch(String key, ByteBuffer content, String version)
      throws ObjectStoreException {
    Stored there = objects.get(key);
    if (there == null || !there.version().equals(version)) {
      throw new ObjectStoreException(Kind.CONDITION_FAILED, key + " is not " + version, null);
    }
    return store(key, bytes(content));
  }

  @Override
  public synchronized Optional<Found> get(String key) {
    Stored there = objects.get(key);
    return there == null
        ? Optional.empty()
        : Optional.of(new Found(ByteBuffer.wrap(there.bytes().clone()), there.version()));
  }

  @Override
  public synchronized void read(String key, long position, ByteBuffer target)
      throws ObjectStoreException {
    Stored there = objects.get(key);
    if (there == null) {
      throw new ObjectStoreException(Kind.NOT_FOUND, key + " is not there", null);
    }
    if (position + target.remaining() > there.bytes().length) {
      throw new ObjectStoreException(Kind.DAMAGED, key + " ends before", null);
    }
    target.put(there.bytes(), (int) position, target.remaining());
  }

  @Override
  public synchronized List<String> list(String prefix, String after) {
    var found = new ArrayList<String>();
    for (String key : objects.tailMap(prefix, true).keySet()) {
      if (!key.startsWith(prefix) || found.size() == LIST_MAX) {
        break;
      }
      if (key.compareTo(after) > 0) {
        found.add(key);
      }
    }
    return found;
  }

  @Override
  public synchronized void delete(String key) {
    objects.remove(key);
  }

  @Override
  public void close() {}
}
