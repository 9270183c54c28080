package io.pannier.store.disk;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.NoSuchFileException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * A disk whose changes stay in memory, over one that is only read: for a start on a state that
 * belongs to another process. A file keeps the length it had when it was opened first, however it
 * grows below. Nothing is durable, and {@link #freeze} ends all that adds something.
 */
public final class OverlayDisk implements Disk {
  /** What is known of a file: bytes of one below, then bytes in memory. Guarded by itself. */
  private static final class Content {
    final @Nullable String below;
    long belowLength;
    byte[] tail = {};

    Content(@Nullable String below, long belowLength) {
      this.below = below;
      this.belowLength = belowLength;
    }

    synchronized long size() {
      return belowLength + tail.length;
    }

    synchronized void append(byte[] more) {
      var longer = new ByteArrayOutputStream(tail.length + more.length);
      longer.writeBytes(tail);
      longer.writeBytes(more);
      tail = longer.toByteArray();
    }

    synchronized void cut(long size) {
      int kept = Math.clamp(size - belowLength, 0, tail.length);
      tail = java.util.Arrays.copyOf(tail, kept);
      belowLength = Math.min(belowLength, size);
    }
  }

  private final Disk base;

  // Guarded by this
  private final Map<String, Content> files = new HashMap<>();
  private final Set<String> gone = new HashSet<>();
  private final Set<String> folders = new HashSet<>();

  private volatile boolean frozen;

  public OverlayDisk(Disk base) {
    this.base = base;
  }

  /** From now on nothing may be added; what is there may still be cut or forgotten. */
  public void freeze() {
    frozen = true;
  }

  private void requireChangeable() {
    if (frozen) {
      throw new UnsupportedOperationException("the store belongs to another process");
    }
  }

  @Override
  public synchronized DiskFile create(String path) throws IOException {
    requireChangeable();
    if (exists(path)) {
      throw new FileAlreadyExistsException(path);
    }
    var content = new Content(null, 0);
    files.put(path, content);
    gone.remove(path);
    return new Handle(content, null);
  }

  @Override
  public DiskFile open(String path) throws IOException {
    Content content;
    synchronized (this) {
      if (gone.contains(path)) {
        throw new NoSuchFileException(path);
      }
      content = files.get(path);
    }
    if (content != null) {
      return new Handle(content, content.below == null ? null : base.open(content.below));
    }
    DiskFile opened = base.open(path);
    synchronized (this) {
      return new Handle(
          files.computeIfAbsent(path, missing -> new Content(path, opened.size())), opened);
    }
  }

  @Override
  public synchronized boolean exists(String path) throws IOException {
    return files.containsKey(path)
        || folders.contains(path)
        || (!gone.contains(path) && base.exists(path));
  }

  @Override
  public synchronized void delete(String path) {
    files.remove(path);
    folders.remove(path);
    gone.add(path);
  }

  @Override
  public synchronized void rename(String from, String to) throws IOException {
    requireChangeable();
    Content content = files.get(from);
    if (content == null) {
      try (DiskFile file = open(from)) {
        content = new Content(from, file.size());
      }
    }
    files.remove(from);
    gone.add(from);
    files.put(to, content);
    gone.remove(to);
  }

  @Override
  public synchronized void makeFolder(String path) throws IOException {
    if (!exists(path)) {
      requireChangeable();
      folders.add(path);
      gone.remove(path);
    }
  }

  @Override
  public synchronized List<String> list(String folder) throws IOException {
    var names = new TreeSet<String>();
    if (!folders.contains(folder)) {
      if (gone.contains(folder)) {
        throw new NoSuchFileException(folder);
      }
      names.addAll(base.list(folder));
    }
    String prefix = folder.isEmpty() ? "" : folder + "/";
    names.removeIf(name -> gone.contains(prefix + name));
    for (Set<String> paths : List.of(files.keySet(), folders)) {
      for (String path : paths) {
        if (path.startsWith(prefix) && path.indexOf('/', prefix.length()) < 0) {
          names.add(path.substring(prefix.length()));
        }
      }
    }
    return new ArrayList<>(names);
  }

  @Override
  public void syncFolder(String folder) {}

  @Override
  public void syncAll() {}

  @Override
  public long usableBytes() throws IOException {
    return base.usableBytes();
  }

  @Override
  public void allocate(String path, long bytes) {}

  @Override
  public boolean tryLock(String path) {
    return true;
  }

  @Override
  public void close() throws IOException {
    base.close();
  }

  /** An open file. */
  private final class Handle implements DiskFile {
    private final Content content;
    private final @Nullable DiskFile ownedBelow;
    private volatile boolean closed;

    Handle(Content content, @Nullable DiskFile below) {
      this.content = content;
      ownedBelow = below;
    }

    @Override
    public long size() {
      return content.size();
    }

    @Override
    public void append(ByteBuffer buffer) {
      requireChangeable();
      var bytes = new byte[buffer.remaining()];
      buffer.get(bytes);
      content.append(bytes);
    }

    @Override
    public void append(ByteBuffer[] buffers) {
      for (ByteBuffer buffer : buffers) {
        append(buffer);
      }
    }

    @Override
    public void appendDirect(ByteBuffer buffer) {
      append(buffer);
    }

    @Override
    public int read(ByteBuffer target, long position) throws IOException {
      if (closed) {
        throw new ClosedChannelException();
      }
      long belowLength;
      byte[] tail;
      synchronized (content) {
        belowLength = content.belowLength;
        tail = content.tail;
      }
      int before = target.position();
      if (position < belowLength && ownedBelow != null) {
        int limit = target.limit();
        target.limit(before + (int) Math.min(target.remaining(), belowLength - position));
        ownedBelow.read(target, position);
        boolean whole = !target.hasRemaining();
        target.limit(limit);
        if (!whole) {
          return target.position() - before;
        }
      }
      long inTail = position + (target.position() - before) - belowLength;
      if (inTail >= 0 && inTail < tail.length) {
        target.put(tail, (int) inTail, (int) Math.min(target.remaining(), tail.length - inTail));
      }
      return target.position() - before;
    }

    @Override
    public void truncate(long size) {
      content.cut(size);
    }

    @Override
    public void sync() {}

    @Override
    public int bytesAtEnd(int wanted) {
      DiskFile below = ownedBelow;
      return below == null || content.size() != below.size() ? wanted : below.bytesAtEnd(wanted);
    }

    @Override
    public boolean forget() {
      return ownedBelow != null && ownedBelow.forget();
    }

    @Override
    public void close() throws IOException {
      closed = true;
      if (ownedBelow != null) {
        ownedBelow.close();
      }
    }
  }
}
