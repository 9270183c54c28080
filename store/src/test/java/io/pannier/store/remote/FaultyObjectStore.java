package io.pannier.store.remote;

import io.pannier.store.remote.ObjectStoreException.Kind;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Counts requests, and makes one of them, or all from one on, go wrong. */
public final class FaultyObjectStore implements ObjectStore {
  /** What goes wrong. */
  public enum Fault {
    /** Refused, and nothing was done. */
    THROTTLED,
    /** An error of the store, and nothing was done. */
    ERROR,
    /** It was done, and nobody was told. */
    TIMEOUT_AFTER,
    /** Credentials have expired. */
    DENIED,
    /** The bucket is gone. */
    NO_BUCKET,
    /** Somebody else has changed it; nothing was done. */
    CONDITION_FAILED,
    /** Fewer bytes came than were asked for. */
    SHORT_READ,
    /** Other bytes came than were put. */
    WRONG_BYTES,
    /** A list without its newest names. */
    STALE_LIST,
    /** The process dies before the request: it and all later ones are lost. */
    DEATH_BEFORE,
    /** The process dies after the request was done. */
    DEATH_AFTER
  }

  private final ObjectStore store;
  private final List<String> calls = new ArrayList<>();
  private long count;
  private long at = Long.MAX_VALUE;
  private boolean lasting;
  private Fault fault = Fault.ERROR;
  private boolean fired;
  private boolean dead;

  public FaultyObjectStore(ObjectStore store) {
    this.store = store;
  }

  /** The n-th request from now on goes wrong, and if it lasts all behind it. */
  public synchronized void arm(long number, Fault kind, boolean lasts) {
    at = count + number;
    fault = kind;
    lasting = lasts;
    fired = false;
  }

  /** Nothing goes wrong any more. */
  public synchronized void heal() {
    at = Long.MAX_VALUE;
    lasting = false;
  }

  /** Whether it has happened. */
  public synchronized boolean fired() {
    return fired;
  }

  /** Requests since this was asked last, in words: what and to which object. */
  public synchronized List<String> calls() {
    var all = List.copyOf(calls);
    calls.clear();
    return all;
  }

  /** What a request does. */
  private interface Call<T> {
    T run() throws IOException;
  }

  private <T> T call(String what, Call<T> call) throws IOException {
    Fault now;
    synchronized (this) {
      if (dead) {
        throw new ObjectStoreException(Kind.UNAVAILABLE, "the process is dead", null);
      }
      count++;
      calls.add(what);
      boolean happens = count == at || (lasting && count > at);
      fired |= happens;
      now = happens ? fault : null;
      if (now == Fault.DEATH_BEFORE) {
        dead = true;
      }
    }
    if (now == null || now == Fault.SHORT_READ || now == Fault.STALE_LIST) {
      return call.run();
    }
    switch (now) {
      case THROTTLED -> throw new ObjectStoreException(Kind.THROTTLED, "slow down", null);
      case ERROR -> throw new ObjectStoreException(Kind.UNAVAILABLE, "internal error", null);
      case DENIED -> throw new ObjectStoreException(Kind.DENIED, "credentials expired", null);
      case NO_BUCKET -> throw new ObjectStoreException(Kind.NO_BUCKET, "no such bucket", null);
      case CONDITION_FAILED ->
          throw new ObjectStoreException(Kind.CONDITION_FAILED, "changed", null);
      case DEATH_BEFORE -> throw new ObjectStoreException(Kind.UNAVAILABLE, "killed", null);
      default -> {}
    }
    T done = call.run();
    if (now == Fault.DEATH_AFTER) {
      synchronized (this) {
        dead = true;
      }
    }
    if (now == Fault.DEATH_AFTER || now == Fault.TIMEOUT_AFTER) {
      throw new ObjectStoreException(Kind.UNAVAILABLE, "no answer", null);
    }
    return done;
  }

  private synchronized boolean happensNow(Fault kind) {
    return fault == kind && (count == at || (lasting && count > at));
  }

  @Override
  public void put(String key, Content content) throws IOException {
    call(
        "put " + key,
        () -> {
          store.put(key, content);
          return key;
        });
  }

  @Override
  public String putIfAbsent(String key, ByteBuffer content) throws IOException {
    return call("put " + key, () -> store.putIfAbsent(key, content));
  }

  @Override
  public String putIfMatch(String key, ByteBuffer content, String version) throws IOException {
    return call("put " + key, () -> store.putIfMatch(key, content, version));
  }

  @Override
  public Optional<Found> get(String key) throws IOException {
    return call("get " + key, () -> store.get(key));
  }

  @Override
  public void read(String key, long position, ByteBuffer target) throws IOException {
    call(
        "get " + key,
        () -> {
          if (happensNow(Fault.SHORT_READ)) {
            throw new ObjectStoreException(Kind.DAMAGED, "ended before its end", null);
          }
          int from = target.position();
          store.read(key, position, target);
          if (happensNow(Fault.WRONG_BYTES) && target.position() > from) {
            target.put(from, (byte) (target.get(from) ^ 1));
          }
          return key;
        });
  }

  @Override
  public List<String> list(String prefix, String after) throws IOException {
    return call(
        "list " + prefix,
        () -> {
          List<String> all = store.list(prefix, after);
          return happensNow(Fault.STALE_LIST) && !all.isEmpty()
              ? all.subList(0, all.size() - 1)
              : all;
        });
  }

  @Override
  public void delete(String key) throws IOException {
    call(
        "delete " + key,
        () -> {
          store.delete(key);
          return key;
        });
  }

  @Override
  public void close() {
    store.close();
  }
}
