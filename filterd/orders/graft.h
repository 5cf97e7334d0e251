// SPDX-License-Identifier: GPL-3.0-or-later
// Compiling onto an image in force. The tables of its names are copied as they are; names that are new are put into
// the room that they have left; and only the sections that grow with the orders are made anew. Orders that are not
// there any more leave the sets of their names, which may end without any: such names stay where they are, are listed
// by nobody, and go when the tables are next made from the start.
#pragma once

struct compiled;
struct image_view;
struct orders;

// `orders` were read with `base` in hand (parse_options.base). 0; -ENOMEM; -EAGAIN where the base has too little
// room left or too many names that nobody lists, or where so many new orders list the same names that it takes longer
// than compiling them whole.
int graft(const struct orders *orders, const struct image_view *base, struct compiled *ret);
