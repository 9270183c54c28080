package io.pannier.client;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Gathers records of any entries into batches, which go when they are large, full or old enough,
 * and tells what became of each record. Any number of threads may add; {@link #add} waits while two
 * batches are on their way or waiting, so memory is bounded. Close it: that sends the rest.
 */
public final class BatchWriter implements AutoCloseable {
  /**
   * When a batch goes. Immutable.
   *
   * @param maxRecords records in it
   * @param maxBytes bytes of its bodies
   * @param maxAge since its first record came
   */
  public record Options(int maxRecords, long maxBytes, Duration maxAge) {
    public Options {
      if (maxRecords < 1 || maxBytes < 1 || maxAge.isNegative()) {
        throw new IllegalArgumentException("a batch needs room and time");
      }
    }

    /** 80 records, 8 MB, a second. */
    public static Options usual() {
      return new Options(80, 8_000_000, Duration.ofSeconds(1));
    }

    /** With another age. */
    public Options age(Duration time) {
      return new Options(maxRecords, maxBytes, time);
    }

    /** With another number of records. */
    public Options records(int count) {
      return new Options(count, maxBytes, maxAge);
    }

    /** With another size. */
    public Options bytes(long bytes) {
      return new Options(maxRecords, bytes, maxAge);
    }
  }

  /** Is told what became of each record, on the writer's thread, in the order of adding. */
  @FunctionalInterface
  public interface Listener {
    /**
     * Told once for each record.
     *
     * @param error empty when the store has the record
     */
    void wrote(RecordKey record, Optional<ClientException> error);
  }

  private final Writes writes;
  private final Options options;
  private final Listener listener;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private final Thread sender;
  private List<Keyed<Outgoing>> gathered = new ArrayList<>();
  private long gatheredBytes;
  private long ageNanosLeft;
  private boolean sending;
  private boolean flushing;
  private boolean closed;
  private @Nullable RuntimeException failure;

  BatchWriter(Writes writes, Options options, Listener listener) {
    this.writes = writes;
    this.options = options;
    this.listener = listener;
    sender = Thread.ofVirtual().name("pannier-batch-writer").unstarted(this::run);
    sender.start();
  }

  /**
   * Takes a record; its body must stay as it is until its outcome was told.
   *
   * @throws IllegalStateException when the writer is closed, or its listener has thrown
   */
  public void add(String entry, Outgoing record) {
    lock.lock();
    try {
      while (isFull() && !closed && failure == null) {
        changed.awaitUninterruptibly();
      }
      if (closed || failure != null) {
        throw new IllegalStateException("the writer is closed", failure);
      }
      gathered.add(new Keyed<>(entry, record.timestamp(), record));
      gatheredBytes += record.body().length();
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  private boolean isFull() {
    return gathered.size() >= options.maxRecords() || gatheredBytes >= options.maxBytes();
  }

  /** Sends what was gathered, and waits until the outcome of every record so far was told. */
  public void flush() {
    lock.lock();
    try {
      while ((!gathered.isEmpty() || sending) && failure == null) {
        flushing = true;
        changed.signalAll();
        changed.awaitUninterruptibly();
      }
      if (failure != null) {
        throw new IllegalStateException("the listener has failed", failure);
      }
    } finally {
      lock.unlock();
    }
  }

  private void run() {
    try {
      for (List<Keyed<Outgoing>> batch = take(); !batch.isEmpty(); batch = take()) {
        send(batch);
      }
    } catch (RuntimeException failed) {
      lock.lock();
      try {
        failure = failed;
        sending = false;
        changed.signalAll();
      } finally {
        lock.unlock();
      }
    }
  }

  /** Waits for a batch that is to go; empty at the end. */
  private List<Keyed<Outgoing>> take() {
    lock.lock();
    try {
      sending = false;
      changed.signalAll();
      ageNanosLeft = options.maxAge().toNanos();
      while (!isFull() && !closed && !(flushing && !gathered.isEmpty())) {
        if (gathered.isEmpty()) {
          flushing = false;
          changed.awaitUninterruptibly();
          ageNanosLeft = options.maxAge().toNanos();
        } else if (ageNanosLeft <= 0) {
          break;
        } else {
          ageNanosLeft = changed.awaitNanos(ageNanosLeft);
        }
      }
      List<Keyed<Outgoing>> batch = gathered;
      gathered = new ArrayList<>();
      gatheredBytes = 0;
      flushing = false;
      sending = !batch.isEmpty();
      changed.signalAll();
      return batch;
    } catch (InterruptedException stopped) {
      throw new IllegalStateException("the writer was interrupted", stopped);
    } finally {
      lock.unlock();
    }
  }

  private void send(List<Keyed<Outgoing>> batch) {
    BatchErrors errors = BatchErrors.NONE;
    Optional<ClientException> all = Optional.empty();
    try {
      errors = writes.writeMany(batch);
    } catch (ClientException failed) {
      all = Optional.of(failed);
    }
    for (Keyed<Outgoing> record : batch) {
      Optional<ClientException> error =
          all.isPresent() ? all : Optional.ofNullable(errors.byRecord().get(record.key()));
      listener.wrote(record.key(), error);
    }
  }

  /** Sends the rest and waits for it. */
  @Override
  public void close() {
    lock.lock();
    try {
      closed = true;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
    boolean interrupted = false;
    while (sender.isAlive()) {
      try {
        sender.join(TimeUnit.SECONDS.toMillis(1));
      } catch (InterruptedException stopped) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
