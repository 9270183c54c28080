package io.pannier.client;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** A request on its way to a store. */
final class HttpRequest {
  final String method;
  final String target;
  final List<String> headers = new ArrayList<>();
  Body body = Body.EMPTY;
  Coding coding = Coding.NONE;

  /**
   * @param target path and query as they stand in the request line
   */
  HttpRequest(String method, String target) {
    this.method = method;
    this.target = target;
  }

  HttpRequest header(String name, String value) {
    headers.add(name + ": " + value);
    return this;
  }

  HttpRequest body(Body content, Coding bodyCoding) {
    body = content;
    coding = bodyCoding;
    return this;
  }

  boolean isCoded() {
    return coding != Coding.NONE && body.length() > 0;
  }

  String codingName() {
    return coding.name().toLowerCase(Locale.ROOT);
  }
}
