package io.pannier.cli;

/** Placeholder until the command exists. */
public final class Main {
  private Main() {}

  public static void main(String[] arguments) {
    System.out.println("pannier 0.1.0 " + String.join(" ", arguments));
  }
}
