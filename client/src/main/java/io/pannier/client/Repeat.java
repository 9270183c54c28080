package io.pannier.client;

/** When a request may be sent again although nobody knows what became of the first one. */
enum Repeat {
  /** It changes nothing, or ends where one alone would end. */
  ALWAYS,

  /**
   * It writes a record. A second one is refused as a conflict, and whoever repeats it looks whether
   * the record that is there is the one that was sent.
   */
  IF_CHECKED,

  /** Only when nothing of it can have reached the store. */
  NEVER
}
