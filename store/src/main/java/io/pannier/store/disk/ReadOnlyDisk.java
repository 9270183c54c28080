package io.pannier.store.disk;

/** A disk that is there to be read: everything else is a mistake of the engine. */
public abstract class ReadOnlyDisk implements Disk {
  private static UnsupportedOperationException onlyRead() {
    return new UnsupportedOperationException("what is here belongs to another process");
  }

  @Override
  public final DiskFile create(String path) {
    throw onlyRead();
  }

  @Override
  public final void delete(String path) {
    throw onlyRead();
  }

  @Override
  public final void rename(String from, String to) {
    throw onlyRead();
  }

  @Override
  public final void makeFolder(String path) {
    throw onlyRead();
  }

  @Override
  public final void syncFolder(String folder) {
    throw onlyRead();
  }

  @Override
  public final void syncAll() {
    throw onlyRead();
  }

  @Override
  public final void allocate(String path, long bytes) {
    throw onlyRead();
  }

  @Override
  public final boolean tryLock(String path) {
    throw onlyRead();
  }
}
