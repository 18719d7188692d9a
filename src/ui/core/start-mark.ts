/** The moment the page's script starts; figures for the first picture count from here. Must be the first import. */
performance.mark('weir-start');
