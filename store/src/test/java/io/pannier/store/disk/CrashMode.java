package io.pannier.store.disk;

/**
 * What a power loss does to changes that were not synced. Names are chosen once for a crash,
 * content once for each file.
 *
 * <p>In every mode a synced change survives, a rename is atomic, and a file has one name or none:
 * content that was synced under a name that was not is gone. A sector that holds synced bytes keeps
 * them when the sector is written again.
 */
public enum CrashMode {
  /** Everything had reached the device by luck. */
  KEEP,

  /** Nothing had. */
  DROP,

  /**
   * Changes reach the device in their order: files are cut at any byte, names are those of some
   * earlier moment.
   */
  TEAR,

  /**
   * Changes reach the device in any order: sectors of 512 or 4096 bytes are missing and read as
   * zeros while later ones are there, the length has grown or not, each new, renamed or deleted
   * name is there or not on its own.
   */
  REORDER
}
