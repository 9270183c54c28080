package io.pannier.cli;

/** What a command tells the shell. */
public final class ExitCodes {
  public static final int OK = 0;

  /** Something is damaged. */
  public static final int DAMAGE = 1;

  /** Something failed that may work another time: a port in use, a folder that is refused. */
  public static final int FAILED = 1;

  /** Nothing could be done: wrong usage, wrong settings, no store, a folder in use. */
  public static final int UNUSABLE = 2;

  private ExitCodes() {}
}
