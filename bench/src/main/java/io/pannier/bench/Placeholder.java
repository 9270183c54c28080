package io.pannier.bench;

/** Keeps the package from being empty; delete with the first real class. */
final class Placeholder {
  private Placeholder() {}
}
