package io.pannier.server.http;

/** What a client speaks. */
enum Protocol {
  HTTP_1_0,
  HTTP_1_1,
  HTTP_2
}
