// Who looked at what is internal.
export const restricted = {
  title: "内部资产的查阅记录",
  about: "谁在何时查阅了密级为“内部”的资产；记录只增不改，任何人都不能删除。",
  none: "还没有查阅记录。",
  objects: "{n} 项资产",
  more: "更早的记录",
  open: "查看内部资产的查阅记录",
};
