package io.pannier.model;

/** What an acknowledgement promises. Ordered from weak to strong. */
public enum Ack {
  /**
   * In the page cache: safe against the death of the process at once, against power loss after the
   * next sync round (about 100 ms).
   */
  BUFFERED(1),
  /** On the device. */
  DISK(2),
  /** In the object store. */
  REMOTE(3);

  private final int code;

  Ack(int code) {
    this.code = code;
  }

  /** Its code on disk; 0 stands for "not set". */
  public int code() {
    return code;
  }

  /** The level of a code on disk. */
  public static Ack ofCode(int code) {
    for (Ack ack : values()) {
      if (ack.code == code) {
        return ack;
      }
    }
    throw new PannierException.Damaged("unknown acknowledgement " + code);
  }
}
