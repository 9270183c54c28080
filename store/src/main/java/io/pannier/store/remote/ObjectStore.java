package io.pannier.store.remote;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Optional;

/**
 * What is asked of an object store, and nothing more. Objects are put whole and never changed but
 * by another put; one that was put is there for every read that begins afterwards. Any thread may
 * call; every method waits for the network. A failure is an {@link ObjectStoreException}, which
 * says what kind of one: after {@link ObjectStoreException.Kind#UNAVAILABLE} nobody knows whether a
 * put or a deletion happened.
 */
public interface ObjectStore extends AutoCloseable {
  /** Most keys that one {@link #list} returns. */
  int LIST_MAX = 1000;

  /** Bytes to be put. They can be read again for another try. */
  interface Content {
    /** How many there are. */
    long length();

    /** CRC32C of all of them, for the store to check. */
    int crc();

    /** The bytes from the first one on. */
    InputStream open() throws IOException;
  }

  /** An object with the version that {@link #putIfMatch} asks for. */
  record Found(ByteBuffer content, String version) {}

  /** Puts an object, also over another one. */
  void put(String key, Content content) throws IOException;

  /**
   * Puts a small object where there is none.
   *
   * @return its version
   * @throws ObjectStoreException {@link ObjectStoreException.Kind#CONDITION_FAILED} when there is
   *     one
   */
  String putIfAbsent(String key, ByteBuffer content) throws IOException;

  /**
   * Replaces a small object if it still is this version.
   *
   * @return its new version
   * @throws ObjectStoreException {@link ObjectStoreException.Kind#CONDITION_FAILED} when it is
   *     another one, or gone
   */
  String putIfMatch(String key, ByteBuffer content, String version) throws IOException;

  /** A small object; empty when there is none. */
  Optional<Found> get(String key) throws IOException;

  /**
   * Fills the buffer with bytes of an object.
   *
   * @throws ObjectStoreException {@link ObjectStoreException.Kind#NOT_FOUND} when there is no such
   *     object, {@link ObjectStoreException.Kind#DAMAGED} when it ends before
   */
  void read(String key, long position, ByteBuffer target) throws IOException;

  /** Keys with this prefix behind {@code after}, ascending, at most {@link #LIST_MAX}. */
  List<String> list(String prefix, String after) throws IOException;

  /** Deletes an object; one that is not there is not an error. */
  void delete(String key) throws IOException;

  @Override
  void close();
}
