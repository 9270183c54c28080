package io.pannier.store.disk;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.random.RandomGenerator;

/**
 * Lets the n-th call to another disk go wrong. The same fault, seed and sequence of calls always do
 * the same.
 *
 * <p>A test of "whatever call fails" counts up {@link Fault#at} until a run ends in which {@link
 * #fired} is false.
 */
public final class FaultyDisk implements Disk {
  private final Disk ownedDisk;
  private final RandomGenerator random;
  private final Map<DiskOperation, Long> calls = new EnumMap<>(DiskOperation.class); // guarded
  private Optional<Fault> fault = Optional.empty(); // guarded
  private long counted; // guarded
  private boolean fired; // guarded
  private boolean powerLost; // guarded

  /** Passes everything through until a fault is {@link #arm armed}. */
  public FaultyDisk(Disk ownedDisk, RandomGenerator random) {
    this.ownedDisk = ownedDisk;
    this.random = random;
  }

  /** Passes everything through until the fault strikes. */
  public FaultyDisk(Disk ownedDisk, RandomGenerator random, Fault fault) {
    this(ownedDisk, random);
    arm(fault);
  }

  /** Starts counting for this fault, which takes the place of an earlier one. */
  public synchronized void arm(Fault next) {
    fault = Optional.of(next);
    counted = 0;
    fired = false;
  }

  /** Ends the fault: the next call goes through. Power does not come back. */
  public synchronized void heal() {
    fault = Optional.empty();
  }

  /** Whether the armed fault has struck. */
  public synchronized boolean fired() {
    return fired;
  }

  /** Calls so far, whether or not they went wrong. */
  public synchronized Counts calls() {
    return new Counts(calls, 0, 0);
  }

  /** Counts a call and says what happens to it. */
  private synchronized Optional<Fault.Kind> next(DiskOperation operation) throws IOException {
    if (powerLost) {
      throw new PowerLossException();
    }
    calls.merge(operation, 1L, Long::sum);
    if (fault.isEmpty() || !fault.get().counted().contains(operation)) {
      return Optional.empty();
    }
    Fault armed = fault.get();
    counted++;
    boolean strikes = armed.lasting() ? counted >= armed.at() : counted == armed.at();
    if (!strikes) {
      return Optional.empty();
    }
    fired = true;
    powerLost = armed.kind() == Fault.Kind.POWER_LOSS;
    return Optional.of(armed.kind());
  }

  /** A failed sync that also loses what it should have written. */
  private static final class SyncFailure extends IOException {
    private static final long serialVersionUID = 1L;

    SyncFailure(DiskOperation operation, String path) {
      super("injected failure: " + operation + " " + path);
    }
  }

  private interface Call<T> {
    T run() throws IOException;
  }

  private interface Action {
    void run() throws IOException;
  }

  private void call(DiskOperation operation, String path, Action action) throws IOException {
    boolean done =
        call(
            operation,
            path,
            () -> {
              action.run();
              return true;
            });
    if (!done) {
      throw new IllegalStateException("the action is always done");
    }
  }

  private <T> T call(DiskOperation operation, String path, Call<T> call) throws IOException {
    Optional<Fault.Kind> kind = next(operation);
    if (kind.isEmpty()) {
      return call.run();
    }
    throw switch (kind.get()) {
      case FAIL, TEAR, SHORT_READ -> failure(operation, path);
      case SYNC_FAIL -> new SyncFailure(operation, path);
      case DISK_FULL -> new DiskFullException(path);
      case POWER_LOSS -> {
        if (random.nextBoolean()) {
          doUnheard(call);
        }
        yield new PowerLossException();
      }
    };
  }

  private static <T> void doUnheard(Call<T> call) {
    try {
      if (call.run() instanceof DiskFile file) {
        file.close();
      }
    } catch (IOException _) {
      // a call that fails by itself has no effect to lose power behind
    }
  }

  private static IOException failure(DiskOperation operation, String path) {
    return new IOException("injected failure: " + operation + " " + path);
  }

  @Override
  public DiskFile create(String path) throws IOException {
    return new FaultyFile(path, call(DiskOperation.CREATE, path, () -> ownedDisk.create(path)));
  }

  @Override
  public DiskFile open(String path) throws IOException {
    return new FaultyFile(path, call(DiskOperation.OPEN, path, () -> ownedDisk.open(path)));
  }

  @Override
  public boolean exists(String path) throws IOException {
    return call(DiskOperation.EXISTS, path, () -> ownedDisk.exists(path));
  }

  @Override
  public void delete(String path) throws IOException {
    call(DiskOperation.DELETE, path, () -> ownedDisk.delete(path));
  }

  @Override
  public void rename(String from, String to) throws IOException {
    call(DiskOperation.RENAME, to, () -> ownedDisk.rename(from, to));
  }

  @Override
  public void makeFolder(String path) throws IOException {
    call(DiskOperation.MAKE_FOLDER, path, () -> ownedDisk.makeFolder(path));
  }

  @Override
  public List<String> list(String folder) throws IOException {
    return call(DiskOperation.LIST, folder, () -> ownedDisk.list(folder));
  }

  @Override
  public void syncFolder(String folder) throws IOException {
    call(DiskOperation.SYNC_FOLDER, folder, () -> ownedDisk.syncFolder(folder));
  }

  @Override
  public void syncAll() throws IOException {
    try {
      call(DiskOperation.SYNC_ALL, "", ownedDisk::syncAll);
    } catch (SyncFailure failure) {
      if (ownedDisk instanceof MemoryDisk memory) {
        memory.loseUnsynced(random);
      }
      throw failure;
    }
  }

  @Override
  public long usableBytes() throws IOException {
    return call(DiskOperation.USABLE_BYTES, "", ownedDisk::usableBytes);
  }

  @Override
  public void allocate(String path, long bytes) throws IOException {
    call(DiskOperation.ALLOCATE, path, () -> ownedDisk.allocate(path, bytes));
  }

  @Override
  public boolean tryLock(String path) throws IOException {
    return call(DiskOperation.LOCK, path, () -> ownedDisk.tryLock(path));
  }

  @Override
  public void close() throws IOException {
    ownedDisk.close();
  }

  /**
   * Knows the length by itself: a part written by a fault is in the file below, but not in what the
   * caller appended.
   */
  private final class FaultyFile implements DiskFile {
    private final String path;
    private final DiskFile ownedFile;
    private volatile long size;

    FaultyFile(String path, DiskFile ownedFile) {
      this.path = path;
      this.ownedFile = ownedFile;
      this.size = ownedFile.size();
    }

    @Override
    public long size() {
      return size;
    }

    @Override
    public void append(ByteBuffer buffer) throws IOException {
      append(new ByteBuffer[] {buffer});
    }

    @Override
    public void append(ByteBuffer[] buffers) throws IOException {
      append(DiskOperation.APPEND, buffers, () -> ownedFile.append(buffers));
    }

    @Override
    public void appendDirect(ByteBuffer buffer) throws IOException {
      append(
          DiskOperation.APPEND_DIRECT,
          new ByteBuffer[] {buffer},
          () -> ownedFile.appendDirect(buffer));
    }

    private void append(DiskOperation operation, ByteBuffer[] buffers, Action whole)
        throws IOException {
      Optional<Fault.Kind> kind = next(operation);
      if (kind.isPresent() && kind.get() == Fault.Kind.FAIL) {
        throw failure(operation, path);
      }
      if (ownedFile.size() > size) {
        ownedFile.truncate(size); // the part of an earlier append that failed
      }
      if (kind.isPresent()) {
        appendPart(buffers);
        throw switch (kind.get()) {
          case DISK_FULL -> new DiskFullException(path);
          case POWER_LOSS -> new PowerLossException();
          case FAIL, TEAR, SYNC_FAIL, SHORT_READ -> failure(operation, path);
        };
      }
      whole.run();
      size = ownedFile.size();
    }

    @Override
    public int read(ByteBuffer target, long position) throws IOException {
      Optional<Fault.Kind> kind = next(DiskOperation.READ);
      if (kind.isEmpty()) {
        return ownedFile.read(target, position);
      }
      return switch (kind.get()) {
        case SHORT_READ -> readPart(target, position);
        case POWER_LOSS -> throw new PowerLossException();
        case DISK_FULL -> throw new DiskFullException(path);
        case FAIL, TEAR, SYNC_FAIL -> throw failure(DiskOperation.READ, path);
      };
    }

    @Override
    public void truncate(long size) throws IOException {
      if (size > this.size) {
        throw new IllegalArgumentException("cannot cut " + path + " to " + size);
      }
      call(DiskOperation.TRUNCATE, path, () -> ownedFile.truncate(size));
      this.size = size;
    }

    @Override
    public void sync() throws IOException {
      try {
        call(DiskOperation.SYNC, path, ownedFile::sync);
      } catch (SyncFailure failure) {
        if (ownedFile instanceof MemoryDisk.Handle memory) {
          memory.loseUnsynced(random);
        }
        throw failure;
      }
    }

    @Override
    public void close() throws IOException {
      ownedFile.close();
    }

    private void appendPart(ByteBuffer[] buffers) throws IOException {
      long total = 0;
      for (ByteBuffer buffer : buffers) {
        total += buffer.remaining();
      }
      long left = total == 0 ? 0 : random.nextLong(total);
      for (ByteBuffer buffer : buffers) {
        int count = (int) Math.min(left, buffer.remaining());
        ByteBuffer part = buffer.slice(buffer.position(), count);
        ownedFile.append(part);
        left -= count;
      }
    }

    private int readPart(ByteBuffer target, long position) throws IOException {
      int limit = target.limit();
      int asked = Math.clamp(ownedFile.size() - position, 0, target.remaining());
      target.limit(target.position() + (asked == 0 ? 0 : random.nextInt(asked)));
      try {
        return ownedFile.read(target, position);
      } finally {
        target.limit(limit);
      }
    }
  }
}
