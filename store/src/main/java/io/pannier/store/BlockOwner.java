package io.pannier.store;

/** Who alone may append to an open block. */
sealed interface BlockOwner permits Upload, BlockOwner.Work {
  /** The engine's own work on a block that takes no more records. */
  enum Work implements BlockOwner {
    /** It is being sealed. */
    SEALING,
    /** Its end cannot be cut or synced: it gets no footer and is rewritten. */
    BROKEN,
    /** It is being dropped. */
    DROPPING
  }
}
