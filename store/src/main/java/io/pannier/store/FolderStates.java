package io.pannier.store;

import io.pannier.store.disk.Disk;
import io.pannier.store.disk.DiskFile;
import io.pannier.store.disk.ReadOnlyDisk;
import io.pannier.store.disk.RealDisk;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * The states of a data folder that another process writes to, on the same machine or on a shared
 * file system. What a start reads (journals, blocks that take records, change logs, documents) is
 * watched by length and time: when none of it changed while it was read, it was one state.
 */
public final class FolderStates implements StateSource {
  /** What a file looked like when it was opened. */
  private record Seen(long bytes, long modifiedMillis) {}

  private final Path folder;
  private @Nullable View last;

  public FolderStates(Path folder) {
    this.folder = folder;
  }

  @Override
  public Optional<State> next() throws IOException {
    View before = last;
    if (before != null && !before.hasChanged()) {
      return Optional.empty();
    }
    if (!Files.exists(folder.resolve(StoreFormat.FILE))
        && !Files.exists(folder.resolve(StoreFormat.COPY))) {
      throw new NoSuchFileException(folder + " holds no store yet");
    }
    var view = new View(RealDisk.forReading(folder), folder);
    last = view;
    return Optional.of(view);
  }

  @Override
  public void refused() {
    last = null;
  }

  @Override
  public String place() {
    return folder.toString();
  }

  @Override
  public void close() {}

  /** The folder, with notes of what was opened in it. */
  private static final class View extends ReadOnlyDisk implements State {
    private final Disk real;
    private final Path folder;
    private final Map<String, Seen> seen = new ConcurrentHashMap<>();
    private volatile boolean noting = true;

    View(Disk real, Path folder) {
      this.real = real;
      this.folder = folder;
    }

    @Override
    public Disk disk() {
      return this;
    }

    /**
     * Blocks and change logs may have grown: what stands behind the length that was met is not
     * looked at. As long as the journals say the same, none of them has come, gone or been
     * replaced.
     */
    @Override
    public boolean isWhole() throws IOException {
      if (noting) {
        noteDocuments();
        noting = false;
      }
      return isUnchanged(path -> !path.endsWith(".blk") && !path.endsWith(".chg"));
    }

    boolean hasChanged() throws IOException {
      return !isUnchanged(path -> true);
    }

    private boolean isUnchanged(Predicate<String> which) throws IOException {
      for (Map.Entry<String, Seen> file : seen.entrySet()) {
        if (which.test(file.getKey()) && !file.getValue().equals(look(file.getKey()))) {
          return false;
        }
      }
      return true;
    }

    /** Those are read later, and replaced as a whole. */
    private void noteDocuments() throws IOException {
      if (real.exists(Documents.FOLDER)) {
        note(Documents.FOLDER);
        for (String name : real.list(Documents.FOLDER)) {
          note(Documents.FOLDER + "/" + name);
        }
      }
    }

    private @Nullable Seen look(String path) throws IOException {
      try {
        var attributes = Files.readAttributes(folder.resolve(path), BasicFileAttributes.class);
        return attributes.isDirectory()
            ? new Seen(-1, attributes.lastModifiedTime().toMillis())
            : new Seen(attributes.size(), attributes.lastModifiedTime().toMillis());
      } catch (NoSuchFileException gone) {
        return null;
      }
    }

    private void note(String path) throws IOException {
      if (noting && !seen.containsKey(path)) {
        Seen now = look(path);
        if (now != null) {
          seen.putIfAbsent(path, now);
        }
      }
    }

    @Override
    public DiskFile open(String path) throws IOException {
      note(path);
      return real.open(path);
    }

    @Override
    public List<String> list(String name) throws IOException {
      return real.list(name);
    }

    @Override
    public boolean exists(String path) throws IOException {
      return real.exists(path);
    }

    @Override
    public long usableBytes() throws IOException {
      return real.usableBytes();
    }

    @Override
    public void close() throws IOException {
      real.close();
    }
  }
}
