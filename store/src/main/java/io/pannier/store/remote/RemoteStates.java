package io.pannier.store.remote;

import io.pannier.store.StateSource;
import io.pannier.store.disk.Disk;
import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * The states of a store in an object store that another process writes to: one per root ({@code
 * docs/s3.md}, "Read replicas"). A look costs one request, a new state one more and what is read of
 * it.
 */
public final class RemoteStates implements StateSource {
  private final ObjectClient objects;
  private final Disk local;
  private final SegmentCache pieces;
  private final String place;
  private final Manifest.Parts parts = new Manifest.Parts();
  private @Nullable Root last;
  private volatile @Nullable Root seen;
  private @Nullable UUID storeId;

  private RemoteStates(ObjectClient objects, Disk local, SegmentCache pieces, String place) {
    this.objects = objects;
    this.local = local;
    this.pieces = pieces;
    this.place = place;
  }

  /**
   * Begins; nothing is asked of the object store. Both are closed by it, also when this fails.
   *
   * @param local a folder of its own, for what was read
   * @param place where it is, for people
   * @throws RemoteRefused when the folder is used by somebody else, or holds what is nowhere else
   */
  public static RemoteStates open(
      ObjectStore objects, Disk local, RemoteConfig config, String place) throws IOException {
    boolean opened = false;
    try {
      if (!local.tryLock(RemoteDisk.LOCK)) {
        throw new RemoteRefused(
            RemoteRefused.Reason.IN_USE,
            "The local folder is in use by another process. Every instance needs one of its own.");
      }
      if (local.exists(LocalLog.FILE) || local.exists("FORMAT") || local.exists("FORMAT.copy")) {
        throw new RemoteRefused(
            RemoteRefused.Reason.FOREIGN,
            "The local folder is that of a server that writes, and may hold what was never"
                + " uploaded. A replica needs a folder of its own.");
      }
      var client = new ObjectClient(objects, config.prefix());
      var states =
          new RemoteStates(
              client, local, new SegmentCache(client, local, config.cacheBytes()), place);
      opened = true;
      return states;
    } finally {
      if (!opened) {
        objects.close();
        local.close();
      }
    }
  }

  @Override
  public Optional<State> next() throws IOException {
    Optional<ObjectStore.Found> found = objects.get(Root.KEY);
    if (found.isEmpty()) {
      throw new NoSuchFileException(
          "no store in the object store yet: there is no " + objects.key(Root.KEY));
    }
    Root root = Root.decode(found.get().content());
    UUID known = storeId;
    if (known != null && !known.equals(root.storeId())) {
      throw new RemoteRefused(
          RemoteRefused.Reason.FOREIGN,
          "The object store holds another store than before. Start the replica anew to follow it.");
    }
    seen = root;
    Root before = last;
    if (before != null && isSameState(before, root)) {
      return Optional.empty();
    }
    if (root.directory().isNone() && root.difference().isNone()) {
      throw new NoSuchFileException("the store in the object store holds nothing yet");
    }
    Manifest manifest = Manifest.load(objects, root, parts);
    storeId = root.storeId();
    last = root;
    Disk view = new RemoteView(manifest, pieces);
    return Optional.of(
        new State() {
          @Override
          public Disk disk() {
            return view;
          }

          @Override
          public boolean isWhole() {
            return true; // segments never change, and stay for a while when they have died
          }
        });
  }

  /** A root that only renews a lease, or tells of a start, describes the same state. */
  private static boolean isSameState(Root one, Root other) {
    return one.directory().equals(other.directory())
        && one.directoryEpoch() == other.directoryEpoch()
        && one.difference().equals(other.difference())
        && one.differenceEpoch() == other.differenceEpoch();
  }

  /** Epoch of the writer that was seen last: one more with every start of a writer. */
  public long epoch() {
    Root root = seen;
    return root == null ? 0 : root.epoch();
  }

  /** Number of the root that was seen last. */
  public long generation() {
    Root root = seen;
    return root == null ? 0 : root.generation();
  }

  /** Requests so far, by kind. */
  public long count(RemoteStatus.Request kind) {
    return objects.count(kind);
  }

  /** Bytes read since the start. */
  public long receivedBytes() {
    return objects.receivedBytes();
  }

  /** Bytes of pieces in the local folder. */
  public long cachedBytes() {
    return pieces.bytes();
  }

  @Override
  public void refused() {
    last = null;
  }

  @Override
  public String place() {
    return place;
  }

  @Override
  public void close() throws IOException {
    objects.close();
    local.close();
  }
}
