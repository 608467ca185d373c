/** Line drawings on a 24 by 24 grid, as SVG path data. */
export const ICONS = {
  "alert": ["M12 3.5 21.5 20h-19z", "M12 10v4", "M12 17.2v.1"],
  "arrow-left": ["M19 12H5", "m11 18-6-6 6-6"],
  "check": ["m5 12.5 4.5 4.5L19 7.5"],
  "check-circle": ["M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18z", "m8 12.2 2.8 2.8L16 9.5"],
  "chevron-down": ["m6 9 6 6 6-6"],
  "chevron-left": ["m15 6-6 6 6 6"],
  "chevron-right": ["m9 6 6 6-6 6"],
  "clock": ["M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18z", "M12 7.5V12l3 2"],
  "close": ["m6 6 12 12", "M18 6 6 18"],
  "copy": ["M9 9h11v11H9z", "M15 9V4H4v11h5"],
  "info": ["M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18z", "M12 11v5", "M12 7.8v.1"],
  "log-out": ["M9 4H5v16h4", "m15 16 4-4-4-4", "M19 12H9"],
  "menu": ["M4 7h16", "M4 12h16", "M4 17h16"],
  "minus-circle": ["M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18z", "M8 12h8"],
  "note": ["M5 4h14v11l-5 5H5z", "M14 20v-5h5", "M8.5 8.5h7", "M8.5 12h4"],
  "pause-circle": ["M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18z", "M9.8 9v6", "M14.2 9v6"],
  "refresh": ["M20 11a8 8 0 1 0-2.3 6.2", "M20 5v6h-6"],
  "search": ["M10.5 4a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13z", "m15.5 15.5 5 5"],
  "sort": ["M8 5v14", "m4.5 8.5 3.5-3.5 3.5 3.5", "M16 19V5", "m12.5 15.5 3.5 3.5 3.5-3.5"],
  "sort-up": ["M12 19V5", "m6.5 10.5L12 5l5.5 5.5"],
  "sort-down": ["M12 5v14", "m6.5 13.5L12 19l5.5-5.5"],
  "user": ["M12 4a4 4 0 1 0 0 8 4 4 0 0 0 0-8z", "M4.5 20.5c.8-4 3.8-6 7.5-6s6.7 2 7.5 6"],
  "x-circle": ["M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18z", "m9 9 6 6", "m15 9-6 6"],
} as const satisfies Record<string, readonly string[]>;

export type IconName = keyof typeof ICONS;
