package io.pannier.store.remote;

import io.pannier.store.disk.DiskFile;
import io.pannier.store.disk.ReadOnlyDisk;
import io.pannier.store.disk.ReadOnlyFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.NoSuchFileException;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;

/** A store in an object store as one root describes it. Any thread may call. */
final class RemoteView extends ReadOnlyDisk {
  private final Manifest manifest;
  private final SegmentCache pieces;

  RemoteView(Manifest manifest, SegmentCache pieces) {
    this.manifest = manifest;
    this.pieces = pieces;
  }

  private boolean isFolder(String path) {
    return path.isEmpty() || manifest.hasFolder(path);
  }

  @Override
  public DiskFile open(String path) throws IOException {
    Facts facts = manifest.facts(path);
    if (facts == null) {
      throw new NoSuchFileException(path);
    }
    return new Remote(facts);
  }

  @Override
  public boolean exists(String path) {
    return isFolder(path) || manifest.facts(path) != null;
  }

  @Override
  public List<String> list(String folder) throws IOException {
    if (!isFolder(folder)) {
      throw new NoSuchFileException(folder);
    }
    var all = new TreeSet<>(manifest.names(folder));
    for (String path : manifest.folders()) {
      if (!path.isEmpty() && Manifest.folderOf(path).equals(folder)) {
        all.add(Manifest.nameOf(path));
      }
    }
    return new ArrayList<>(all);
  }

  @Override
  public long usableBytes() {
    return Long.MAX_VALUE;
  }

  /** The pieces, and the way to the object store, are shared by all views. */
  @Override
  public void close() {}

  private Manifest.Segment segment(Extent extent) throws ObjectStoreException {
    Manifest.Segment segment = manifest.segment(extent.segment());
    if (segment == null) {
      throw new ObjectStoreException(
          ObjectStoreException.Kind.DAMAGED,
          "manifests name segment " + extent.segment() + ", which they do not have",
          null);
    }
    return segment;
  }

  /** An open file. */
  private final class Remote extends ReadOnlyFile {
    private final Facts facts;

    Remote(Facts facts) {
      this.facts = facts;
    }

    @Override
    public long size() {
      return facts.length();
    }

    @Override
    public int read(ByteBuffer target, long position) throws IOException {
      int before = target.position();
      facts.read(
          position,
          target,
          (_, extent, from, part) -> {
            Manifest.Segment segment = segment(extent);
            pieces.read(segment.epoch, segment.number, segment.bytes, extent.at() + from, part);
          });
      return target.position() - before;
    }

    @Override
    public int bytesAtEnd(int wanted) {
      return facts.isSealed()
          ? (int) Math.min(Integer.MAX_VALUE, facts.length() - facts.footer())
          : wanted;
    }

    @Override
    public boolean forget() {
      try {
        for (Extent extent : facts.all()) {
          pieces.forget(segment(extent).epoch, extent);
        }
        return true;
      } catch (ObjectStoreException unknown) {
        return false;
      }
    }

    @Override
    public void close() {}
  }
}
