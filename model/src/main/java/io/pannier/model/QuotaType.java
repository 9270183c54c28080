package io.pannier.model;

/** What happens when a bucket reaches its quota. */
public enum QuotaType {
  /** Nothing: the bucket grows with the device. */
  NONE(0),
  /** The blocks whose newest record is oldest make room. */
  FIFO(1),
  /** Writes are refused. */
  HARD(2);

  private final int code;

  QuotaType(int code) {
    this.code = code;
  }

  /** Its code on disk. */
  public int code() {
    return code;
  }

  /** The type of a code on disk. */
  public static QuotaType ofCode(int code) {
    for (QuotaType type : values()) {
      if (type.code == code) {
        return type;
      }
    }
    throw new PannierException.Damaged("unknown quota type " + code);
  }
}
