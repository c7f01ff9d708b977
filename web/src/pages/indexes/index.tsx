// The pages of indexes and videos.
import { Route, Routes } from "react-router";
import { NotThere } from "../../App";
import { CreateIndex } from "./CreateIndex";
import { IndexPage } from "./IndexPage";
import "./indexes.css";
import { IndexList } from "./IndexList";
import { VideoPage } from "./video/VideoPage";

export default function Indexes() {
  return (
    <Routes>
      <Route index element={<IndexList />} />
      <Route path="new" element={<CreateIndex />} />
      <Route path=":index" element={<IndexPage />} />
      <Route path=":index/videos/:video" element={<VideoPage />} />
      <Route path="*" element={<NotThere />} />
    </Routes>
  );
}
